#!/bin/sh
# Install the guard from an unpacked bundle, without a network:  sh install.sh PUBLIC_KEY.pem TARGET_FOLDER
# Needs sh, openssl, sha256sum and the Python named in MANIFEST.json (PYTHON=... to choose it).
# Stops with: 2 wrong call, 3 bad signature, 4 changed or missing file, 5 file that nobody signed.
set -eu
[ $# -eq 2 ] || { echo "usage: sh install.sh PUBLIC_KEY.pem TARGET_FOLDER" >&2; exit 2; }
key=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mkdir -p "$2"
target=$(cd "$2" && pwd)
cd "$(dirname "$0")"

openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in MANIFEST.sha256 -sigfile MANIFEST.sig >/dev/null 2>&1 ||
    { echo "refused: the signature does not fit this key and this list of files" >&2; exit 3; }
sha256sum --strict --quiet -c MANIFEST.sha256 >&2 ||
    { echo "refused: a file was changed or is missing" >&2; exit 4; }
signed=$(cut -c67- MANIFEST.sha256 | LC_ALL=C sort)
present=$(find . -type f ! -name MANIFEST.sha256 ! -name MANIFEST.sig | sed 's|^\./||' | LC_ALL=C sort)
[ "$signed" = "$present" ] || { echo "refused: there is a file that nobody signed" >&2; exit 5; }

"${PYTHON:-python3}" -m venv "$target/venv"
"$target/venv/bin/python" -m pip install --quiet --no-index --no-deps --disable-pip-version-check wheels/*.whl
cp -R model classify.py MODEL_CARD.md MANIFEST.json "$target/"
echo "installed: $target/venv/bin/python $target/classify.py $target/model TEXT" >&2
