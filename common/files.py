"""Writing so that nothing is ever half-written, and hashing."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.errors import BadInput


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_bytes(path: Path, data: bytes) -> Path:
    """Write to a temporary name in the same folder, then rename: readers see all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(name).chmod(0o644)  # mkstemp makes files that only the owner can read
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def write_text(path: Path, text: str) -> Path:
    """As `write_bytes`, in UTF-8."""
    return write_bytes(path, text.encode())


def read_text(path: Path) -> str:
    """A UTF-8 file; raise `BadInput` where it is absent or in another encoding."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8: byte {error.start}", "save it in UTF-8") from error
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}", f"write {path}") from error


def write_json(path: Path, value: Any) -> Path:
    """As `write_text`, indented, keys in the order given."""
    return write_text(path, json.dumps(value, indent=2, default=str) + "\n")


def read_json(path: Path, mend: str) -> Any:
    """Read JSON; raise `BadInput` with `mend` where the file is absent or broken."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot read {path}: {error}", mend) from error


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Fill a temporary folder beside `target`, which takes its place only when the block ends without an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    temporary.chmod(0o755)
    try:
        yield temporary
        old = target.with_name(f".{target.name}.old-{os.getpid()}")
        if target.exists():
            target.rename(old)
        temporary.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
