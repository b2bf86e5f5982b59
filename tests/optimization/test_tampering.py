"""Every kind of tampering is refused, and every refusal has a control: the clean bundle passes before and after."""

import gzip
import io
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from common.errors import BadInput, FieldkitError, Refused
from optimization import bundle
from optimization.bundle import IDENTITY, MANIFEST, SIGNATURE, SUMS
from tests.optimization.bundles import build, content

Files = dict[str, bytes]


def flip(files: Files, name: str) -> None:
    files[name] = bytes([files[name][0] ^ 1]) + files[name][1:]


def swap(files: Files, a: str, b: str) -> None:
    files[a], files[b] = files[b], files[a]


def drop(files: Files, name: str) -> None:
    del files[name]


def rename(files: Files, name: str, to: str) -> None:
    files[to] = files.pop(name)


# What an attacker does to the files, without the key.
CHANGES: dict[str, Callable[[Files], None]] = {
    "model changed": lambda f: flip(f, "model/model.onnx"),
    "threshold changed": lambda f: f.update({"model/model.json": f["model/model.json"].replace(b"0.9", b"1.9")}),
    "wheel changed": lambda f: flip(f, "wheels/nothing-1.0-py3-none-any.whl"),
    "classifier changed": lambda f: flip(f, "classify.py"),
    "installer changed": lambda f: flip(f, "install.sh"),
    "identity changed": lambda f: f.update({IDENTITY: f[IDENTITY].replace(b"1.0.0", b"9.0.0")}),
    "bill changed": lambda f: flip(f, "SBOM.cdx.json"),
    "manifest changed": lambda f: flip(f, MANIFEST),
    "list changed": lambda f: f.update({SUMS: f[SUMS] + b"0" * 64 + b"  extra\n"}),
    "signature changed": lambda f: flip(f, SIGNATURE),
    "unsigned": lambda f: drop(f, SIGNATURE),
    "file added": lambda f: f.update({"extra.py": b"print()"}),
    "list of its own in a folder": lambda f: f.update({"model/MANIFEST.sha256": b"", "model/MANIFEST.sig": b""}),
    "file missing": lambda f: drop(f, "model/model.json"),
    "file renamed": lambda f: rename(f, "serve.py", "serve2.py"),
    "two files swapped": lambda f: swap(f, "classify.py", "serve.py"),
    "path out of the folder": lambda f: f.update({"../evil": b"x"}),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_changed_files_are_refused(built, tmp_path, kind) -> None:
    file, key = built
    bundle.verify(file, key)
    files = content(file)
    CHANGES[kind](files)
    (tmp_path / "bad.tar").write_bytes(bundle.pack(files))
    with pytest.raises(Refused):
        bundle.verify(tmp_path / "bad.tar", key)
    bundle.verify(file, key)


def member(name: str, data: bytes = b"x", kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.size = kind, link, 0 if link else len(data)
        tar.addfile(entry, None if link else io.BytesIO(data))
    return buffer.getvalue().rstrip(b"\0") + b"\0" * 512


def in_front(raw: bytes, extra: bytes) -> bytes:
    padded = extra + b"\0" * (-len(extra) % 512)
    return padded + raw


def header(name: str, extra: dict[str, str]) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.pax_headers = extra
    return entry.tobuf(tarfile.PAX_FORMAT)


def sparse(name: str, size: int) -> bytes:
    """An old GNU sparse member: no data, and a size that it claims to have."""
    raw = bytearray(tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT)[:512])
    raw[156:157] = tarfile.GNUTYPE_SPARSE
    raw[386:398], raw[398:410], raw[483:495] = b"%011o\0" % size, b"%011o\0" % 0, b"%011o\0" % size
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


ARCHIVES: dict[str, Callable[[bytes], bytes]] = {
    "cut in the middle": lambda raw: raw[: len(raw) // 2],
    "cut to nothing": lambda raw: b"",
    "bytes behind its end": lambda raw: raw + b"more" * 128,
    "a second archive behind it": lambda raw: raw + raw,
    "compressed": lambda raw: gzip.compress(raw),
    "a name twice": lambda raw: in_front(raw, member("classify.py", b"evil")[:1024]),
    "a link": lambda raw: in_front(raw, member("model/evil", kind=tarfile.SYMTYPE, link="/etc/passwd")[:512]),
    "not an archive": lambda raw: b"PK" + raw[2:],
    "a sparse file of eight gigabytes": lambda raw: in_front(raw, sparse("classify.py", 8 << 30)),
    "a header that cannot be read": lambda raw: in_front(raw, header("classify.py", {"GNU.sparse.major": "1"})),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_changed_archives_are_refused(built, tmp_path, kind) -> None:
    file, key = built
    (tmp_path / "bad.tar").write_bytes(ARCHIVES[kind](file.read_bytes()))
    with pytest.raises((Refused, BadInput)):
        bundle.verify(tmp_path / "bad.tar", key)
    bundle.verify(file, key)


def other_key(tmp_path: Path) -> Path:
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    pem = Ed25519PrivateKey.generate().public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "other.pub").write_bytes(pem)
    return tmp_path / "other.pub"


def test_another_signer_is_refused(built, tmp_path) -> None:
    with pytest.raises(Refused, match="signature"):
        bundle.verify(built[0], other_key(tmp_path))
    bundle.verify(*built)


def test_what_is_no_key_is_bad_input(built, tmp_path) -> None:
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    rsa = generate_private_key(65537, 2048).public_key()
    (tmp_path / "rsa.pub").write_bytes(rsa.public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "text.pub").write_text("no key")
    for name in ("rsa.pub", "text.pub", "absent.pub"):
        with pytest.raises(BadInput, match="--key"):
            try:
                bundle.verify(built[0], tmp_path / name)
            except FieldkitError as error:
                raise BadInput(f"{error.message} {error.mend}", "") from error
    bundle.verify(*built)


def test_another_product_and_an_old_version_are_refused(built) -> None:
    file, key = built
    with pytest.raises(Refused, match="not of assistant"):
        bundle.verify(file, key, name="assistant")
    with pytest.raises(Refused, match=r"below 1\.0\.1"):
        bundle.verify(file, key, minimum="1.0.1")
    with pytest.raises(BadInput, match="not a version"):
        bundle.verify(file, key, minimum="newest")
    bundle.verify(file, key, name="guard", minimum="1.0.0")


def signed_again(files: Files, tmp_path: Path) -> Path:
    """What somebody with the key could sign by mistake."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(bundle.keys()[0].read_bytes(), None)
    files[SIGNATURE] = key.sign(files[SUMS])  # type: ignore[union-attr,call-arg]
    (tmp_path / "signed.tar").write_bytes(bundle.pack(files))
    return tmp_path / "signed.tar"


def sums(files: Files) -> bytes:
    names = sorted(files.keys() - {SUMS, SIGNATURE})
    return "".join(f"{bundle.digest(files[n])}  {n}\n" for n in names).encode()


@pytest.mark.parametrize("kind", ["no manifest", "other identity", "line that is none", "path out", "name twice"])
def test_a_signed_bundle_that_contradicts_itself_is_refused(built, tmp_path, kind) -> None:
    file, key = built
    files = content(file)
    if kind == "no manifest":
        drop(files, MANIFEST)
    if kind == "other identity":
        files[IDENTITY] = files[IDENTITY].replace(b"1.0.0", b"2.0.0")
    files[SUMS] = sums(files)
    files[SUMS] += {"line that is none": b"hello\n", "path out": b"0" * 64 + b"  ../evil\n"}.get(kind, b"")
    if kind == "name twice":
        files[SUMS] += files[SUMS].splitlines(keepends=True)[0]
    with pytest.raises(Refused):
        bundle.verify(signed_again(files, tmp_path), key)
    files = content(file)
    files[SUMS] = sums(files)
    bundle.verify(signed_again(files, tmp_path), key)  # the control: signing again is not what is refused


def stand_in(folder: Path, here: str = "", answers: bool = True) -> Path:
    """A Python that makes no environment, so that nothing is installed; it switches the link as the real one does."""
    from optimization.wheelhouse import Machine

    m = Machine.this()
    python = folder / "python"
    python.write_text(
        "#!/bin/sh\n"
        f'case "$1" in -c) echo "{here or f"{m.python} {m.platform}"}" ;;\n'
        f'-m) mkdir -p "$3/bin" && printf "#!/bin/sh\\ncase \\$2 in *classify.py) exit {0 if answers else 1} ;; esac\\n" > "$3/bin/python" && chmod +x "$3/bin/python" ;;\n'
        f'-) exec "{sys.executable}" "$@" ;; esac\n'
    )
    python.chmod(0o755)
    return python


def install(unpacked: Path, key: Path, site: Path, python: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(unpacked / "install.sh"), *options, str(key), str(site)],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(python)},
        capture_output=True,
        text=True,
    )


def edit(folder: Path, kind: str) -> None:
    if kind == "changed":
        (folder / "classify.py").write_text("changed")
    if kind == "missing":
        (folder / "classify.py").unlink()
    if kind == "added":
        (folder / "extra").write_text("x")
    if kind == "added in a folder":
        (folder / "model" / "MANIFEST.sig").write_text("x")
    if kind == "link":
        (folder / "wheels" / "evil.whl").symlink_to("/etc/passwd")
    if kind == "replaced by a link":
        (folder / "classify.py").rename(folder.parent / "same.py")
        (folder / "classify.py").symlink_to(folder.parent / "same.py")
    if kind == "list":
        (folder / SUMS).write_text((folder / SUMS).read_text() + "0" * 64 + "  extra\n")
    if kind == "unsigned":
        (folder / SIGNATURE).unlink()
    if kind == "swapped":
        a, b = folder / "classify.py", folder / "serve.py"
        data = a.read_bytes(), b.read_bytes()
        a.write_bytes(data[1])
        b.write_bytes(data[0])


@pytest.mark.parametrize(
    ("kind", "code"),
    [("none of it, the control", 0), ("changed", 4), ("missing", 4), ("swapped", 4), ("added", 5), ("added in a folder", 5),
     ("link", 5), ("replaced by a link", 5), ("list", 3), ("unsigned", 3), ("key", 3), ("no key", 2), ("other machine", 6)],
)  # fmt: skip
def test_install_sh_checks_for_itself(built, tmp_path, kind, code) -> None:
    """With sh, openssl and sha256sum only; a refusal leaves nothing in the site."""
    file, key = built
    unpacked, site = tmp_path / "unpacked", tmp_path / "site"
    bundle.unpack(content(file), unpacked)
    edit(unpacked, kind)
    python = stand_in(tmp_path, "3.9 amiga" if kind == "other machine" else "")
    pem = {"key": other_key(tmp_path), "no key": tmp_path / "absent.pem"}.get(kind, key)
    done = install(unpacked, pem, site, python)
    assert done.returncode == code, done.stderr
    assert (site / "guard" / "current" / "classify.py").exists() is (code == 0)
    assert site.exists() is (code == 0)


def state(site: Path) -> dict[str, bytes]:
    return {str(f.relative_to(site)): f.read_bytes() for f in sorted(site.rglob("*")) if f.is_file()}


@pytest.mark.parametrize("kind", ["does not answer", "older", "changed"])
def test_a_refusal_leaves_a_site_as_it_was(built, model, tmp_path, kind) -> None:
    file, key = built
    site, good = tmp_path / "site", stand_in(tmp_path)
    first, second = tmp_path / "first", tmp_path / "second"
    bundle.unpack(content(file), first)
    assert install(first, key, site, good).returncode == 0
    before, link = state(site), (site / "guard" / "current").readlink()
    bundle.unpack(content(build(model, tmp_path / "b.tar", "0.9.0" if kind == "older" else "1.1.0")), second)
    (tmp_path / "mute").mkdir()
    python = stand_in(tmp_path / "mute", answers=False) if kind == "does not answer" else good
    if kind == "changed":
        edit(second, "changed")
    assert install(second, key, site, python).returncode == {"does not answer": 8, "older": 7, "changed": 4}[kind]
    assert state(site) == before and (site / "guard" / "current").readlink() == link
    assert install(first, key, site, good).returncode == 0  # the control


def test_one_installation_at_a_time(built, tmp_path) -> None:
    file, key = built
    bundle.unpack(content(file), tmp_path / "unpacked")
    lock = tmp_path / "site" / ".guard.lock"
    lock.mkdir(parents=True)
    done = install(tmp_path / "unpacked", key, tmp_path / "site", stand_in(tmp_path))
    assert done.returncode == 6 and "another installation runs" in done.stderr and lock.exists()
    lock.rmdir()
    assert (
        install(tmp_path / "unpacked", key, tmp_path / "site", stand_in(tmp_path)).returncode == 0 and not lock.exists()
    )


def test_a_wrong_call_says_how(built, tmp_path) -> None:
    """A site inside the bundle, no openssl, and what the first stray file is called."""
    file, key = built
    unpacked, python = tmp_path / "unpacked", stand_in(tmp_path)
    bundle.unpack(content(file), unpacked)
    inside = install(unpacked, key, unpacked / "site", python)
    assert inside.returncode == 2 and "inside the bundle" in inside.stderr and not (unpacked / "site").exists()
    bare = subprocess.run(
        ["/bin/sh", str(unpacked / "install.sh"), str(key), str(tmp_path / "site")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert bare.returncode == 2 and "no openssl" in bare.stderr
    edit(unpacked, "added")
    stray = install(unpacked, key, tmp_path / "site", python)
    assert stray.returncode == 5 and "nobody signed: extra" in stray.stderr


@pytest.fixture
def site(built, model, tmp_path):
    """A function that installs a version of the guard into one site: (exit code, message)."""
    key, python = built[1], stand_in(tmp_path)

    def go(version: str, *options: str) -> tuple[int, str]:
        unpacked = tmp_path / f"unpacked-{version}"
        if not unpacked.exists():
            bundle.unpack(content(build(model, tmp_path / f"{version}.tar", version)), unpacked)
        done = install(unpacked, key, tmp_path / "site", python, *options)
        return done.returncode, done.stderr

    return go


def test_a_downgrade_is_refused_and_the_mark_only_rises(site, tmp_path) -> None:
    mark = tmp_path / "site" / "guard.version"
    assert site("1.10.0")[0] == 0 and mark.read_text() == "1.10.0\n"
    code, message = site("1.2.0")  # as text, 1.2.0 is the later one
    assert code == 7 and "--allow-downgrade-to 1.2.0" in message
    assert site("1.2.0", "--allow-downgrade-to", "1.3.0")[0] == 7
    assert site("1.2.0", "--allow-downgrade-to", "1.2.0")[0] == 0
    assert (tmp_path / "site" / "guard" / "current").readlink() == Path("versions/1.2.0")
    assert mark.read_text() == "1.10.0\n"
    assert site("1.3.0")[0] == 7  # what lies between is still a downgrade
    assert site("1.10.0")[0] == 0  # a repair is none
    assert site("1.11.0")[0] == 0 and mark.read_text() == "1.11.0\n"


def test_the_site_s_minimum_holds_against_an_allowed_downgrade(site, tmp_path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "guard.minimum").write_text("1.1.0\n")
    assert site("1.2.0")[0] == 0
    assert site("1.0.0", "--allow-downgrade-to", "1.0.0")[0] == 7
    assert site("1.1.0", "--allow-downgrade-to", "1.1.0")[0] == 0


@pytest.mark.parametrize("damage", ["", "1.0", "1.0.0.0", "new", "1.0.0; rm -rf /", "01.0.0", "9999999999.0.0"])
def test_a_damaged_mark_refuses(site, tmp_path, damage) -> None:
    assert site("1.0.0")[0] == 0
    mark = tmp_path / "site" / "guard.version"
    mark.write_text(damage)
    code, message = site("2.0.0")
    assert code == 6 and "damaged" in message
    mark.write_text("1.0.0\n")
    assert site("2.0.0")[0] == 0
