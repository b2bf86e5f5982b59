"""The bundle: one file that installs the guard on a machine without a network, and refuses to if anything was changed.

Inside: the model, its tokenizer, the wheels of the runtime, `classify.py`, `install.sh`, a model card, `MANIFEST.json`
(`common.contracts.BundleManifest`), `MANIFEST.sha256` over every file and `MANIFEST.sig`, an ed25519 signature of that
list. The public key travels by another way. The same inputs give the same bytes. What the bundle cannot prove is its own
`install.sh`: run `python -m optimization verify`, or check the file's published sha256, before running it.
"""

import io
import os
import sys
import sysconfig
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

from common import environments, files, isolation, models
from common.contracts import BundledFile, BundleManifest, Estimate
from common.errors import BadInput, NotReady, Refused
from common.settings import settings as shared

HERE = Path(__file__).parent
SUMS, SIGNATURE, MANIFEST = "MANIFEST.sha256", "MANIFEST.sig", "MANIFEST.json"
LICENCES = {
    "model": "Apache-2.0 (from all-MiniLM-L6-v2)",
    "training data": "MIT (s-labs), Apache-2.0 (neuralchemy)",
    "code": "Apache-2.0",
    "wheels": "see each wheel's metadata",
}


def wheels() -> list[Path]:
    """The runtime's wheels for this Python and platform, fetched once by `make setup`."""
    pins = environments.ROOT / "requirements" / "bundle.txt"
    target = (
        shared().home
        / "wheels"
        / f"{sysconfig.get_platform()}-cp{sys.version_info[0]}{sys.version_info[1]}-{files.sha256(pins)[:8]}"
    )
    if not target.exists():
        with files.new_folder(target) as folder:
            models.pip_download(["--requirement", str(pins)], folder)
    return sorted(target.glob("*.whl"))


def keys() -> tuple[Path, Path]:
    """(private, public) key files in PEM, made on first use; the private one is readable by its owner only."""
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, public = shared().folder("keys") / "bundle.key", shared().folder("keys") / "bundle.pub"
    if not private.exists():
        made = Ed25519PrivateKey.generate()
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(made.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
    if not public.exists():
        key = s.load_pem_private_key(private.read_bytes(), None)
        files.write_bytes(public, key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def build(model: Path, card: str, quality: dict[str, Estimate], threshold: float, version: str, target: Path) -> Path:
    """Write the bundle of a model folder (model.onnx, tokenizer.json, guard.json) to `target`, signed."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content: dict[str, bytes] = {f"model/{f.name}": f.read_bytes() for f in sorted(model.iterdir())}
    content |= {f"wheels/{w.name}": w.read_bytes() for w in wheels()}
    content |= {
        "classify.py": (HERE / "classify.py").read_bytes(),
        "install.sh": (HERE / "install.sh").read_bytes(),
        "MODEL_CARD.md": card.encode(),
    }
    listed = [BundledFile(path=name, sha256=digest(data), size=len(data)) for name, data in sorted(content.items())]
    manifest = BundleManifest(
        name="guard", version=version, python=f"{sys.version_info[0]}.{sys.version_info[1]}", platform=sysconfig.get_platform(),
        threshold=threshold, quality=quality, licences=LICENCES, files=listed,
    )  # fmt: skip
    content[MANIFEST] = (manifest.model_dump_json(indent=2) + "\n").encode()
    content[SUMS] = "".join(f"{digest(data)}  {name}\n" for name, data in sorted(content.items())).encode()
    key = load_pem_private_key(keys()[0].read_bytes(), None)
    content[SIGNATURE] = key.sign(content[SUMS])  # type: ignore[union-attr,call-arg]  # ed25519, made by keys()
    return files.write_bytes(target, pack(content))


def pack(content: dict[str, bytes]) -> bytes:
    """A tar with sorted names and no times, owners or modes of this machine: the same content gives the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in sorted(content.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755 if name.endswith(".sh") else 0o644
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def digest(data: bytes) -> str:
    """sha256 in hex."""
    import hashlib

    return hashlib.sha256(data).hexdigest()


def verify(bundle: Path, public_key: Path) -> BundleManifest:
    """Check signature and every file. Raises Refused for anything changed, added or missing, BadInput for no bundle."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    mend = "do not install it; fetch the bundle and the public key again, each by its own way"
    try:
        with tarfile.open(bundle) as tar:
            members = tar.getmembers()
            content = {m.name: (tar.extractfile(m) or io.BytesIO()).read() for m in members if m.isfile()}
    except (OSError, tarfile.TarError) as error:
        raise BadInput(
            f"{bundle} is not a whole bundle: {error}", "copy the file again, or build one: make demo-optimization"
        ) from error
    if len(content) != len(members):
        raise Refused("the bundle holds links, folders or the same name twice", mend)
    if SUMS not in content or SIGNATURE not in content:
        raise Refused("the bundle is not signed", mend)
    try:
        key = load_pem_public_key(public_key.read_bytes())
        key.verify(content[SIGNATURE], content[SUMS])  # type: ignore[union-attr,call-arg]
    except InvalidSignature:
        raise Refused("the signature does not fit this key and this list of files", mend) from None
    except (OSError, ValueError) as error:
        raise BadInput(
            f"cannot read the public key {public_key}: {error}", "--key FILE, the .pub of whoever signed the bundle"
        ) from error
    lines = (line.split("  ", 1) for line in content[SUMS].decode().splitlines())
    signed = {name: sha256 for sha256, name in lines}
    present = content.keys() - {SUMS, SIGNATURE}
    problems = [f"missing: {n}" for n in sorted(signed.keys() - present)] + [
        f"added: {n}" for n in sorted(present - signed.keys())
    ]
    problems += [f"changed: {n}" for n in sorted(signed.keys() & present) if digest(content[n]) != signed[n]]
    if problems:
        raise Refused(f"not the files that were signed ({'; '.join(problems)})", mend)
    return BundleManifest.model_validate_json(content[MANIFEST])


def unpack(bundle: Path, target: Path) -> None:
    """Extract a bundle that was verified; tar's `data` filter refuses paths that leave the folder."""
    with tarfile.open(bundle) as tar:
        tar.extractall(target, filter="data")


def install_offline(bundle: Path, public_key: Path, texts: list[str]) -> tuple[list[dict[str, object]], str]:
    """Install the bundle into a fresh environment and classify `texts`, both with the network taken away.

    Returns (the classifications, how the network was taken away). Refused or BadInput as `verify`.
    """
    import json
    import subprocess

    verify(bundle, public_key)
    if not isolation.namespaces():
        raise NotReady(
            "this system refuses network namespaces, so nothing would be proven",
            "run it on Linux, as root or with user namespaces allowed",
        )
    isolated = [sys.executable, "-m", "common.isolation", "--"]
    with tempfile.TemporaryDirectory(prefix="fieldkit-site-") as site:
        unpack(bundle, Path(site) / "bundle")
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": site, "PYTHON": sys.executable, "LANG": "C.UTF-8"}
        with suppress(KeyError):
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        install = [*isolated, "sh", f"{site}/bundle/install.sh", str(public_key.resolve()), f"{site}/installed"]
        done = subprocess.run(install, cwd=environments.ROOT, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise Refused(
                f"install.sh stopped with {done.returncode}: {done.stderr.strip()[-400:]}", "read the message above"
            )
        how = done.stderr.splitlines()[0]
        run = [
            *isolated,
            f"{site}/installed/venv/bin/python",
            f"{site}/installed/classify.py",
            f"{site}/installed/model",
            *texts,
        ]
        done = subprocess.run(run, cwd=environments.ROOT, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise Refused(f"the installed guard failed: {done.stderr.strip()[-400:]}", "read the message above")
        return [json.loads(line) for line in done.stdout.splitlines()], how
