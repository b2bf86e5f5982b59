"""A bundle on a far machine: install it, and prove that it needs no network."""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from common import environments, isolation
from common.contracts import BundleManifest
from common.errors import BadInput, NotReady, Refused
from optimization import bundle

CODES = {2: "wrong call", 3: "bad signature", 4: "changed or missing file", 5: "unsigned file", 6: "not for this machine", 7: "downgrade", 8: "cannot be installed"}  # fmt: skip


def isolated() -> list[str]:
    """The command before a command that takes the network away. NotReady where this system does not allow it."""
    if not isolation.namespaces():
        raise NotReady(
            "this system refuses network namespaces, so nothing would be proven",
            "run it on Linux, as root or with user namespaces allowed; or run the bundle's install.sh yourself",
        )
    return [sys.executable, "-m", "common.isolation", "--"]


def environment(home: Path) -> dict[str, str]:
    """What a bare machine has: nothing of ours."""
    kept = {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "PYTHON": sys.executable, "LANG": "C.UTF-8"}
    with suppress(KeyError):
        kept["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return kept


def install(file: Path, public_key: Path, site: Path, allow: str = "") -> tuple[BundleManifest, str]:
    """Verify, unpack what was verified, and run its install.sh with the network off.

    Returns (the manifest, how the network was taken away). Refused where either of the two refuses.
    """
    manifest, content = bundle.opened(file, public_key)
    with tempfile.TemporaryDirectory(prefix="fieldkit-bundle-") as folder:
        bundle.unpack(content, Path(folder))
        allowed = ["--allow-downgrade-to", allow] if allow else []
        command = [*isolated(), "sh", f"{folder}/install.sh", *allowed, str(public_key.resolve()), str(site.resolve())]
        done = subprocess.run(
            command, cwd=environments.ROOT, env=environment(Path(folder)), capture_output=True, text=True
        )
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise Refused(
            f"install.sh stopped with {done.returncode} ({CODES.get(done.returncode, 'see its message')}): {said}",
            "its last line says what to do; nothing was installed",
        )
    return manifest, done.stderr.splitlines()[0]


def prove(file: Path, public_key: Path, texts: list[str]) -> tuple[list[dict[str, Any]], str]:
    """Install into a throw-away site and classify `texts`, both with the network off: (the answers, how)."""
    with tempfile.TemporaryDirectory(prefix="fieldkit-site-") as site:
        manifest, how = install(file, public_key, Path(site))
        classify = [*isolated(), f"{site}/{manifest.name}/current/classify"]
        done = subprocess.run(
            classify,
            cwd=environments.ROOT,
            env=environment(Path(site)),
            capture_output=True,
            text=True,
            input="\n".join(" ".join(t.splitlines()) for t in texts),
        )
        if done.returncode == 2:
            raise BadInput(done.stderr.strip().splitlines()[-1], "give texts of 1 to 100,000 characters")
        if done.returncode:
            raise Refused(f"the installed model failed: {done.stderr.strip()[-400:]}", "read the message above")
        return [json.loads(line) for line in done.stdout.splitlines()], how
