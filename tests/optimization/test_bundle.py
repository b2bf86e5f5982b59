"""What a bundle holds: the same bytes for the same inputs, what its manifest and its bill of materials say."""

import json
import re
import subprocess

import pytest

from common import environments
from common.errors import BadInput, Refused
from optimization import bundle, sbom
from optimization.wheelhouse import Machine
from tests.optimization.bundles import build, content


def test_a_clean_bundle_passes(built) -> None:
    manifest = bundle.verify(*built)
    assert (manifest.name, manifest.version, manifest.threshold) == ("guard", "1.0.0", 0.9)
    assert {f.path for f in manifest.files} >= {"model/model.onnx", "install.sh", "classify.py", "serve.py", "IDENTITY"}


def test_the_same_inputs_give_the_same_bytes(built, model, tmp_path) -> None:
    again = build(model, tmp_path / "again.tar")
    assert again.read_bytes() == built[0].read_bytes()
    (model / "model.json").write_text((model / "model.json").read_text().replace("0.9", "0.8"))
    assert build(model, tmp_path / "other.tar").read_bytes() != built[0].read_bytes()


def test_the_private_key_is_the_owner_s_only(built, home) -> None:
    assert (home / "keys" / "bundle.key").stat().st_mode & 0o077 == 0


def test_the_bill_is_valid_cyclonedx(built) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    bill = content(built[0])["SBOM.cdx.json"].decode()
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(bill) is None
    assert validator.validate_str(bill.replace('"specVersion": "1.6"', '"specVersion": 1.6')) is not None  # it can fail


def test_the_bill_names_every_file_with_the_hash_that_was_signed(built) -> None:
    files = content(built[0])
    signed = {p: h for h, p in (line.split("  ") for line in files["MANIFEST.sha256"].decode().splitlines())}
    found = {}
    for component in json.loads(files["SBOM.cdx.json"])["components"]:
        paths = [p["value"] for p in component.get("properties", []) if p["name"] == "fieldkit:path"]
        found[paths[0] if paths else component["bom-ref"]] = component["hashes"][0]["content"]
    del found["data:training"]
    assert found == {p: h for p, h in signed.items() if p not in ("SBOM.cdx.json", "MANIFEST.json")}


def test_references_inside_the_bill_exist_once(built) -> None:
    bill = json.loads(content(built[0])["SBOM.cdx.json"])
    refs = [c["bom-ref"] for c in bill["components"]]
    card = next(c["modelCard"] for c in bill["components"] if c["type"] == "machine-learning-model")
    assert len(set(refs)) == len(refs)
    assert set(bill["dependencies"][0]["dependsOn"]) <= set(refs)
    assert {d["ref"] for d in card["modelParameters"]["datasets"]} <= set(refs)
    assert card["quantitativeAnalysis"]["performanceMetrics"][0]["confidenceInterval"] == {
        "lowerBound": "0.8",
        "upperBound": "1",
    }


def wheel(folder, name: str, metadata: str):
    import zipfile

    made = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Name: {name}\nVersion: 1.0\n{metadata}")
    return made


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("License-Expression: apache-2.0 or bsd-2-clause\n", "Apache-2.0 OR BSD-2-Clause"),
        ("License: 3-Clause BSD License\n", "BSD-3-Clause"),
        ("Classifier: License :: OSI Approved :: MIT License\n", "MIT"),
    ],
)
def test_licences_are_read_as_spdx(tmp_path, metadata, expected) -> None:
    assert sbom.licence(wheel(tmp_path, "a", metadata))[0] == expected


@pytest.mark.parametrize(
    "metadata",
    [
        "", "License: see our site\n", "License-Expression: Apache 2.0\n", "Classifier: License :: OSI Approved :: BSD License\n",
        "License: MIT License\nLicense: x\nClassifier: License :: OSI Approved :: MIT License\nLicense-Expression: nonsense\n",
    ],
)  # fmt: skip
def test_a_wheel_without_a_licence_is_refused(tmp_path, metadata) -> None:
    with pytest.raises(Refused, match=r"a-1\.0"):
        sbom.licence(wheel(tmp_path, "a", metadata))


def test_every_wheel_that_we_ship_has_a_licence(store) -> None:
    folders = list((store.parent / "wheels").glob("*"))
    if not folders:
        pytest.skip("the store has no wheels: make setup")
    found = {w.name.split("-")[0]: sbom.licence(w) for folder in folders for w in folder.glob("*.whl")}
    assert {"onnxruntime", "numpy", "tokenizers"} <= set(found)
    assert found["onnxruntime"][0] == "MIT" and found["tokenizers"][1] == "concluded"


def test_the_wheels_of_another_machine_are_asked_for_by_its_names() -> None:
    pins = Machine("3.12", "linux-aarch64").pins()
    assert sum(p.startswith("numpy==") for p in pins) == 1 and all(";" not in p for p in pins)
    options = Machine("3.12", "linux-aarch64").foreign()
    assert options[:2] == ["--python-version", "3.12"] and "manylinux_2_28_aarch64" in options
    assert Machine.this().foreign() == []
    for python, platform in (("3.10", ""), ("", "amiga")):
        with pytest.raises(BadInput, match="--p"):
            try:
                Machine.named(python, platform)
            except BadInput as error:
                raise BadInput(error.mend, "") from error


@pytest.mark.parametrize("version", ["1", "1.0", "1.0.0.0", "v1.0.0", "1.0.x", "01.0.0", ""])
def test_versions_have_three_numbers(version) -> None:
    with pytest.raises(BadInput, match="not a version"):
        bundle.number(version)


def test_versions_compare_as_numbers() -> None:
    assert bundle.number("1.10.0") > bundle.number("1.2.0")


def test_install_sh_is_plain_posix_shell() -> None:
    text = (environments.ROOT / "optimization" / "install.sh").read_text()
    assert text.startswith("#!/bin/sh\n") and not re.search(r"\[\[|\blocal\b|sort -V|<<<", text)
    assert subprocess.run(["sh", "-n", "-"], input=text, text=True).returncode == 0
