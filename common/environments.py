"""Build the two Python environments: `python3 -m common.environments light|torch`. Standard library only.

This is the one module that runs before anything is installed. It brings its own uv, picks CPU or CUDA builds and
prints why, and does nothing when the pins have not changed. Interrupted, it can be run again: the stamp that says
"done" is written last.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
UV_VERSION = "0.13.9"
HOME = Path(os.environ.get("FIELDKIT_HOME") or ROOT / ".fieldkit").expanduser().resolve()
TOOLS = HOME / "tools"
FOLDERS = {"light": ROOT / ".venv", "torch": ROOT / ".venv-torch"}


def say(message: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def stop(message: str, mend: str) -> NoReturn:
    """The house's error form, without the house's libraries."""
    say(f"error: {message}\n  mend: {mend}")
    raise SystemExit(2)


def python_of(environment: str) -> Path:
    """The interpreter of an environment, whether or not it exists."""
    return FOLDERS[environment] / "bin" / "python"


def torch() -> Path:
    """The interpreter with PyTorch. NotReady where it is not built."""
    from common.errors import NotReady

    python = python_of("torch")
    if not python.exists():
        raise NotReady("this needs PyTorch, and .venv-torch is not built", "make setup-torch")
    return python


def tools() -> Path:
    """Folder with pip and uv, built on first use."""
    stamp = TOOLS / f"uv-{UV_VERSION}"
    if not stamp.exists():
        say(f"set-up: bringing uv {UV_VERSION}")
        if (TOOLS / "pyvenv.cfg").exists():  # ours, half-built or old; never a folder that somebody else made
            shutil.rmtree(TOOLS)
        try:
            venv.create(TOOLS, with_pip=True)
        except (subprocess.CalledProcessError, OSError) as error:
            stop(
                f"this Python cannot make a virtual environment ({error})",
                "install python3-venv, or a python.org build",
            )
        run([str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet", f"uv=={UV_VERSION}"])
        stamp.touch()
    return TOOLS / "bin"


def run(command: list[str]) -> None:
    """Run a step of the set-up; its own words are the error message."""
    if subprocess.run(command, cwd=ROOT).returncode:
        stop(
            f"set-up step failed: {' '.join(command)}",
            "read the lines above; with the network back, run the same command again",
        )


def has_gpu() -> bool:
    """Whether nvidia-smi lists a GPU."""
    smi = shutil.which("nvidia-smi")
    return bool(smi) and subprocess.run([str(smi), "-L"], capture_output=True).stdout.startswith(b"GPU")


def torch_build() -> tuple[str, str]:
    """('cpu' or 'cuda', the reason)."""
    wanted = os.environ.get("TORCH_BUILD", "")
    if wanted in ("cpu", "cuda"):
        return wanted, f"TORCH_BUILD={wanted}"
    if wanted:
        stop(f"TORCH_BUILD={wanted} is not a build", "set TORCH_BUILD=cpu or TORCH_BUILD=cuda, or leave it unset")
    if has_gpu():
        return "cuda", "nvidia-smi lists a GPU"
    return "cpu", "no NVIDIA GPU found"


def install_arguments(environment: str) -> tuple[list[str], str]:
    """uv's arguments for an environment, and the reason for the choice."""
    if environment == "light":
        return ["-r", "requirements/light.txt"], "everything but the engines that bring PyTorch"
    build, reason = torch_build()
    arguments = ["--no-deps", "-r", f"requirements/torch-{build}.txt"]
    links = os.environ.get("PIP_FIND_LINKS", "")  # pip reads it, uv does not
    if links and any(Path(folder).glob("torch-*.whl") for folder in links.split() if Path(folder).is_dir()):
        return [
            *arguments,
            *(x for folder in links.split() for x in ("--find-links", folder)),
        ], f"{build}: {reason}; torch from PIP_FIND_LINKS"
    return [*arguments, "--torch-backend", "cpu" if build == "cpu" else "auto"], f"{build}: {reason}"


def fingerprint(arguments: list[str]) -> str:
    """What the environment was built from: interpreter, arguments, pins."""
    pins = "".join((ROOT / a).read_text() for a in arguments if a.endswith(".txt"))
    return hashlib.sha256(f"{sys.version_info[:2]} {arguments} {pins}".encode()).hexdigest()


def build(environment: str) -> None:
    """Make `environment` match its pins; return at once when it does already."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        stop(f"Python {sys.version.split()[0]} is outside 3.11 to 3.13", "make PYTHON=python3.12 ...")
    arguments, reason = install_arguments(environment)
    folder = FOLDERS[environment]
    stamp, wanted = folder / ".fieldkit-stamp", fingerprint(arguments)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    began = time.monotonic()
    say(f"set-up: {folder.name} ({reason})")
    uv = str(tools() / "uv")
    stamp.unlink(missing_ok=True)
    run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)])
    # compiled now, because many machines forbid it later (PYTHONDONTWRITEBYTECODE) and vLLM then starts 60 s slower
    run([uv, "pip", "install", "--compile-bytecode", "--python", str(python_of(environment)), *arguments])
    stamp.write_text(wanted)
    say(f"set-up: {folder.name} ready in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", choices=sorted(FOLDERS))
    build(parser.parse_args().environment)
