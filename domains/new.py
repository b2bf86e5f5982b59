"""Stamp an empty pack: `python -m domains new NAME`. Every value that is yours to give is marked TODO."""

import re
import secrets
from pathlib import Path

from common import files
from common.errors import BadInput
from domains.forms import NAME
from domains.pack import HERE

TEMPLATE = HERE / "_template"


def stamp(folder: Path) -> list[str]:
    """Write the template into a folder that does not exist yet; returns the files. All of it appears, or nothing."""
    name = folder.name
    if not re.fullmatch(NAME, name):
        raise BadInput(f"{name} is no name for a pack", "lower-case letters, digits, - and _, starting with a letter")
    if folder.exists():
        raise BadInput(f"{folder} exists", "choose another name, or delete it first")
    canary = f"{re.sub('[^a-z]', '', name)[:4].upper()}-{secrets.token_hex(3)}"
    written = []
    with files.new_folder(folder) as temporary:
        for source in sorted(f for f in TEMPLATE.rglob("*") if f.is_file()):
            place = source.relative_to(TEMPLATE)
            text = source.read_text()
            filled = text if source.suffix == ".md" else text.format(name=name, canary=canary)
            files.write_text(temporary / place, filled)
            written.append(str(place))
    return written
