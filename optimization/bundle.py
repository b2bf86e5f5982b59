"""The bundle: one file that installs a model on a machine without a network, and refuses to if anything was changed.

Inside: the model and its tokenizer, the wheels of the runtime for one Python and platform, `classify.py`, `serve.py`,
`install.sh`, a model card, the bill of materials, IDENTITY (product, version, Python, platform), MANIFEST.json
(`common.contracts.BundleManifest`), MANIFEST.sha256 over every file and MANIFEST.sig, an ed25519 signature of that list.
The public key travels by another way. The same inputs give the same bytes. What the bundle cannot prove is its own
`install.sh`: run `python -m optimization verify`, or check the file's published sha256, before running it.
"""

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from common import environments, files
from common.contracts import BundledFile, BundleManifest, Estimate
from common.errors import BadInput, Refused
from common.settings import settings as shared
from optimization import sbom
from optimization.wheelhouse import Machine

HERE = Path(__file__).parent
SUMS, SIGNATURE, MANIFEST, IDENTITY = "MANIFEST.sha256", "MANIFEST.sig", "MANIFEST.json", "IDENTITY"
LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._+-]+(?:/[A-Za-z0-9._+-]+)*)")
MEND = "do not install it; fetch the bundle and the public key again, each by its own way"


def keys() -> tuple[Path, Path]:
    """(private, public) key files in PEM, made on first use; the private one is readable by its owner only."""
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, public = shared().folder("keys") / "bundle.key", shared().folder("keys") / "bundle.pub"
    with FileLock(f"{private}.lock"):
        if not private.exists():
            made = Ed25519PrivateKey.generate()
            temporary = private.with_suffix(".new")
            temporary.unlink(missing_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(made.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
            temporary.rename(private)
    if not public.exists():
        key = s.load_pem_private_key(private.read_bytes(), None)
        files.write_bytes(public, key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def build(
    name: str,
    version: str,
    model: Path,
    reports: Mapping[str, bytes],
    quality: Mapping[str, Estimate],
    licences: Mapping[str, str],
    use: str,
    training: bytes,
    machine: Machine,
    target: Path,
) -> Path:
    """Write the signed bundle of a model folder to `target`.

    reports: further files for people (MODEL_CARD.md, parity and quality). training: what stands for the training data
    in the bill; it is hashed, not carried.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    settings = files.read_json(model / "model.json", "python -m optimization bundle RECIPE")
    lexical = (model / "lexical.npz").exists()
    wheels = machine.wheels(lexical)
    content = {f"model/{f.name}": f.read_bytes() for f in sorted(model.iterdir()) if f.is_file()}
    content |= {f"wheels/{w.name}": w.read_bytes() for w in wheels}
    content |= {part: (HERE / part).read_bytes() for part in ("classify.py", "serve.py", "install.sh")}
    content |= {"licences/Apache-2.0.txt": (environments.ROOT / "LICENSE").read_bytes(), **reports}
    identity = {"name": name, "version": version, "python": machine.python, "platform": machine.platform}
    content[IDENTITY] = "".join(f"{k} {v}\n" for k, v in identity.items()).encode()
    others = {path: data for path, data in content.items() if not path.startswith("wheels/")}
    model_card = sbom.card(settings["labels"], use, quality)
    content["SBOM.cdx.json"] = sbom.bill(name, version, others, wheels, licences, model_card, training)
    listed = [BundledFile(path=path, sha256=digest(data), size=len(data)) for path, data in sorted(content.items())]
    manifest = BundleManifest(
        **identity, labels=settings["labels"], threshold=settings["threshold"] if settings["positive"] is not None else None,
        quality=dict(quality), licences=dict(licences), files=listed,
    )  # fmt: skip
    content[MANIFEST] = (manifest.model_dump_json(indent=2) + "\n").encode()
    content[SUMS] = "".join(f"{digest(data)}  {path}\n" for path, data in sorted(content.items())).encode()
    key = load_pem_private_key(keys()[0].read_bytes(), None)
    content[SIGNATURE] = key.sign(content[SUMS])  # type: ignore[union-attr,call-arg]  # ed25519, made by keys()
    files.write_bytes(target, pack(content))
    verify(target, keys()[1], name, version)  # a public key of another pair would be noticed at the far machine only
    return target


def pack(content: Mapping[str, bytes]) -> bytes:
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
    return hashlib.sha256(data).hexdigest()


def verify(bundle: Path, public_key: Path, name: str = "", minimum: str = "") -> BundleManifest:
    """Check signature, every file, and the archive's own bytes; name and lowest version where they are given.

    Raises Refused for anything changed, added, missing, unsigned or too old, BadInput for what is no bundle or no key.
    """
    return opened(bundle, public_key, name, minimum)[0]


def opened(
    bundle: Path, public_key: Path, name: str = "", minimum: str = ""
) -> tuple[BundleManifest, dict[str, bytes]]:
    """As `verify`; the content, too, so that what is unpacked is what was checked."""
    raw, content = read(bundle)
    listed = signed(content, public_key)
    present = content.keys() - {SUMS, SIGNATURE}
    problems = [f"missing: {n}" for n in sorted(listed.keys() - present)]
    problems += [f"added: {n}" for n in sorted(present - listed.keys())]
    problems += [f"changed: {n}" for n in sorted(listed.keys() & present) if digest(content[n]) != listed[n]]
    if problems:
        raise Refused(f"not the files that were signed ({'; '.join(problems)})", MEND)
    if pack(content) != raw:
        raise Refused("the archive holds more than its files (other modes, order, or bytes behind its end)", MEND)
    manifest = consistent(content, listed)
    if name and manifest.name != name:
        raise Refused(f"this is a bundle of {manifest.name}, not of {name}", MEND)
    if minimum and number(manifest.version) < number(minimum):
        raise Refused(f"version {manifest.version} is below {minimum}", "fetch the newest bundle, or lower --minimum")
    return manifest, content


def read(bundle: Path) -> tuple[bytes, dict[str, bytes]]:
    """(the bytes, name -> content)."""
    try:
        raw = bundle.read_bytes()
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as tar:
            members = tar.getmembers()
            plain = [m for m in members if m.type == tarfile.REGTYPE and not m.sparse and m.size <= len(raw)]
            content = {m.name: (tar.extractfile(m) or io.BytesIO()).read() for m in plain}
    except (OSError, ValueError, tarfile.TarError) as error:
        raise BadInput(
            f"{bundle} is not a whole bundle: {error}",
            "copy the file again, or build one: python -m optimization bundle guard",
        ) from error
    if len(content) != len(members):
        raise Refused("the bundle holds links, folders, sparse files or the same name twice", MEND)
    return raw, content


def signed(content: Mapping[str, bytes], public_key: Path) -> dict[str, str]:
    """path -> sha256 of the signed list."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    mend = "--key FILE, the ed25519 public key (.pub) of whoever signed the bundle"
    if SUMS not in content or SIGNATURE not in content:
        raise Refused("the bundle is not signed", MEND)
    try:
        key = load_pem_public_key(public_key.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise BadInput(f"cannot read the public key {public_key}: {error}", mend) from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput(f"{public_key} is no ed25519 key", mend)
    try:
        key.verify(content[SIGNATURE], content[SUMS])
    except InvalidSignature:
        raise Refused("the signature does not fit this key and this list of files", MEND) from None
    lines = [LINE.fullmatch(line) for line in content[SUMS].decode(errors="replace").splitlines()]
    listed = {m[2]: m[1] for m in lines if m and not {".", ".."} & set(m[2].split("/"))}
    if len(listed) != len(lines):
        raise Refused("the list of files has a line that is none, a path out of the bundle, or a name twice", MEND)
    return listed


def consistent(content: Mapping[str, bytes], listed: Mapping[str, str]) -> BundleManifest:
    """The manifest, where it says what the signed list and IDENTITY say."""
    try:
        manifest = BundleManifest.model_validate_json(content[MANIFEST])
        identity = dict(line.split(" ", 1) for line in content[IDENTITY].decode().splitlines())
    except (KeyError, ValueError) as error:
        raise Refused(f"no manifest, or none of this kind: {error}", MEND) from error
    if {f.path: f.sha256 for f in manifest.files} != {p: h for p, h in listed.items() if p != MANIFEST} or any(
        f.size != len(content[f.path]) for f in manifest.files
    ):
        raise Refused("the manifest disagrees with the signed list", MEND)
    if identity != {k: getattr(manifest, k) for k in ("name", "version", "python", "platform")}:
        raise Refused("IDENTITY disagrees with the manifest", MEND)
    return manifest


def number(version: str) -> tuple[int, ...]:
    """X.Y.Z as numbers. BadInput for another form."""
    if not re.fullmatch(r"(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}", version):
        raise BadInput(f"{version!r} is not a version", "give it as X.Y.Z")
    return tuple(int(part) for part in version.split("."))


def unpack(content: Mapping[str, bytes], target: Path) -> None:
    """Write the content of a bundle that was verified."""
    for name, data in content.items():
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
