#!/bin/sh
# Compile the pins from pyproject.toml:  sh requirements/compile.sh   (needs the network; no index address is written)
# PIP_FIND_LINKS, if set, names folders with a CPU build of torch; else uv takes it from PyTorch's CPU index.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.fieldkit/tools/bin/uv}
compile() { "$uv" pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"; }
extras() { for name in "$@"; do printf -- '--extra %s ' "$name"; done; }

# shellcheck disable=SC2046  # the extras are meant to split
compile pyproject.toml $(extras tracking domains serving cluster monitoring evaluation agents optimization dev) -o requirements/light.txt
if [ -n "${PIP_FIND_LINKS:-}" ]; then torch="--find-links $PIP_FIND_LINKS"; else torch="--torch-backend cpu"; fi
# shellcheck disable=SC2086
compile pyproject.toml $(extras torch-common torch-cpu) --override requirements/overrides-torch.txt $torch -o requirements/torch-cpu.txt
compile pyproject.toml $(extras torch-common torch-cuda) -o requirements/torch-cuda.txt
# the bundle's wheels: the versions of the light environment, without their dependencies
python3 -c 'import tomllib; print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bundle"]))' |
    compile - --no-deps --constraint requirements/light.txt -o requirements/bundle.txt
