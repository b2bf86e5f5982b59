"""The runtime's wheels for the machine that a bundle is made for, fetched once and kept in the store."""

import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from common import environments, files, models
from common.errors import BadInput
from common.settings import settings as shared

PINS = environments.ROOT / "requirements" / "bundle.txt"
NUMPY_ONLY = ("numpy",)
# What pip calls the wheels that run on a platform (glibc 2.28 or newer), newest first. Others: nobody has tried install.sh there.
TAGS = {
    "linux-x86_64": ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64"),
    "linux-aarch64": ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64"),
}


@dataclass(frozen=True)
class Machine:
    """A Python and a platform, in the words of `sysconfig.get_platform()`."""

    python: str
    platform: str

    @classmethod
    def this(cls) -> "Machine":
        """The one that we run on."""
        return cls(f"{sys.version_info[0]}.{sys.version_info[1]}", sysconfig.get_platform())

    @classmethod
    def named(cls, python: str, platform: str) -> "Machine":
        """Another one, or this where nothing is said. BadInput for one that is not known."""
        here = cls.this()
        made = cls(python or here.python, platform or here.platform)
        if made.platform != here.platform and made.platform not in TAGS:
            raise BadInput(f"no platform {made.platform}", f"--platform, one of {', '.join(TAGS)}")
        if made.python not in ("3.11", "3.12", "3.13"):
            raise BadInput(f"no Python {made.python}", "--python 3.11, 3.12 or 3.13")
        return made

    def wheels(self, lexical: bool = False) -> list[Path]:
        """The wheels, fetched on first use (this machine's by `make setup`). lexical: a model that needs numpy only."""
        target = shared().home / "wheels" / f"{self.platform}-cp{self.python.replace('.', '')}-{files.sha256(PINS)[:8]}"
        if not target.exists():
            with files.new_folder(target) as folder:
                models.pip_download(self.pins() + self.foreign(), folder)
        found = sorted(target.glob("*.whl"))
        return [w for w in found if w.name.startswith(NUMPY_ONLY)] if lexical else found

    def pins(self) -> list[str]:
        """The pinned requirements that hold for this Python."""
        from packaging.requirements import Requirement

        wanted = [Requirement(line) for line in PINS.read_text().splitlines() if line and not line.startswith("#")]
        environment = {"python_version": self.python, "python_full_version": f"{self.python}.0"}
        return [f"{r.name}{r.specifier}" for r in wanted if not r.marker or r.marker.evaluate(environment)]

    def foreign(self) -> list[str]:
        """pip's options for a machine that is not this one."""
        if self == Machine.this():
            return []
        version = ["--python-version", self.python, "--implementation", "cp"]
        return [*version, *(x for tag in TAGS.get(self.platform, ()) for x in ("--platform", tag))]
