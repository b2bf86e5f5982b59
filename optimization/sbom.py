"""The bundle's bill of materials: CycloneDX 1.6 as JSON, the same bytes for the same inputs.

Every wheel with its licence in SPDX, sha256 and package address; the model with a model card (its numbers with their
intervals); tokenizer and training data. Written as plain data, because cyclonedx-python-lib 11 knows no model cards and
drops them; a test validates the result with that library. A wheel whose metadata names no licence is refused, until a
person has read it and added it to `MENDED`.
"""

import hashlib
import json
import re
import uuid
import zipfile
from collections.abc import Mapping
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from pathlib import Path
from typing import Any

from common.contracts import Estimate
from common.errors import Refused

# Older metadata says the licence in words: exact forms only, never a guess.
WORDS = {"Apache 2.0": "Apache-2.0", "MIT License": "MIT", "3-Clause BSD License": "BSD-3-Clause"}
CLASSIFIERS = {"License :: OSI Approved :: MIT License": "MIT"}  # "BSD" and "Apache Software" do not say which version
# (name, version) -> (SPDX expression, how it is known). By exact version: a new one is read again by a person.
MENDED = {
    ("tokenizers", "0.23.3"): (
        "Apache-2.0",
        "a classifier without a version; the bill inside the wheel says Apache-2.0 of its crate",
    ),
}


def metadata(wheel: Path) -> tuple[Message, list[str]]:
    """(METADATA, the names of the files inside)."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        found = [n for n in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", n)]
        if len(found) != 1:
            raise Refused(
                f"{wheel.name} has {len(found)} METADATA files", "fetch the wheel again: python -m optimization wheels"
            )
        return BytesParser(policy=compat32).parsebytes(archive.read(found[0])), names


def licence(wheel: Path) -> tuple[str, str, str]:
    """(SPDX expression, "declared" or "concluded", where it was read). Refused where none can be told."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
    from packaging.utils import canonicalize_name

    found, _ = metadata(wheel)
    if found["License-Expression"]:
        try:
            return canonicalize_license_expression(found["License-Expression"]), "declared", "License-Expression"
        except InvalidLicenseExpression as error:
            raise Refused(
                f"{wheel.name}: {error}", "ask its authors, then add it to MENDED in optimization/sbom.py"
            ) from error
    said = {WORDS[w]} if (w := (found["License"] or "").strip()) in WORDS else set()
    said |= {CLASSIFIERS[c] for c in found.get_all("Classifier", []) if c in CLASSIFIERS}
    if len(said) == 1:
        return said.pop(), "declared", "License" if w in WORDS else "Classifier"
    known = MENDED.get((canonicalize_name(found["Name"]), found["Version"]))
    if known and not said:
        return known[0], "concluded", known[1]
    raise Refused(
        f"{wheel.name} names no licence that can be written in SPDX ({w or 'none'}, {sorted(said)})",
        "read the package's licence, then add it to MENDED in optimization/sbom.py",
    )


def texts(names: list[str]) -> list[str]:
    """The licence texts among a wheel's files."""
    inside = re.compile(
        r"(?i)([^/]+\.dist-info/licenses/.+[^/])|([^/]+/(licen[cs]e|copying|notice|third_?party_?notices)[^/]*)"
    )
    return sorted(n for n in names if inside.fullmatch(n))


def sha256(data: bytes) -> list[dict[str, str]]:
    """CycloneDX's form of a hash."""
    return [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}]


def library(wheel: Path) -> dict[str, Any]:
    """A wheel as a component."""
    from packaging.utils import canonicalize_name

    found, names = metadata(wheel)
    name, version = canonicalize_name(found["Name"]), str(found["Version"])
    expression, how, where = licence(wheel)
    properties = {
        "path": f"wheels/{wheel.name}",
        "licence-source": where,
        "licence-texts": " ".join(texts(names)) or "none: see licences/",
    }
    return {
        "type": "library", "bom-ref": f"wheel:{name}", "name": name, "version": version, "scope": "required",
        "hashes": sha256(wheel.read_bytes()), "licenses": [{"expression": expression, "acknowledgement": how}],
        "purl": f"pkg:pypi/{name}@{version.replace('+', '%2B')}?file_name={wheel.name}",
        "properties": [{"name": f"fieldkit:{k}", "value": v} for k, v in sorted(properties.items())],
    }  # fmt: skip


def card(labels: list[str], use: str, quality: Mapping[str, Estimate]) -> dict[str, Any]:
    """The model card of the model component."""
    number = "{:.6g}".format
    return {
        "bom-ref": "card",
        "modelParameters": {"approach": {"type": "supervised"}, "task": "text-classification", "datasets": [{"ref": "data:training"}]},
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {
                    "type": name, "value": number(e.value), "slice": f"{e.n} texts that were not trained on",
                    "confidenceInterval": {"lowerBound": number(e.low), "upperBound": number(e.high)},
                }
                for name, e in sorted(quality.items())
            ]
        },
        "considerations": {"useCases": [use or f"tell {', '.join(labels)} apart"]},
    }  # fmt: skip


def bill(
    name: str,
    version: str,
    files: Mapping[str, bytes],
    wheels: list[Path],
    licences: Mapping[str, str],
    model_card: dict[str, Any],
    training: bytes,
) -> bytes:
    """The bill. files: the bundle's other files by path; those under model/ are described one by one."""

    def free(text: str) -> list[dict[str, Any]]:
        return [{"license": {"name": text}}]

    model_licence = free(licences.get("model", "see MODEL_CARD.md"))
    components = [library(w) for w in wheels]
    for path, data in files.items():
        if path.startswith("model/"):
            weights = path.endswith((".onnx", ".npz"))
            part: dict[str, Any] = {
                "type": "machine-learning-model" if weights else "data", "bom-ref": path, "name": path.removeprefix("model/"),
                "version": version, "hashes": sha256(data), "licenses": model_licence,
            }  # fmt: skip
            part |= (
                {"modelCard": model_card}
                if weights
                else {"data": [{"type": "configuration", "name": path.removeprefix("model/")}]}
            )
            components.append(part)
        else:
            components.append({"type": "file", "bom-ref": path, "name": path, "hashes": sha256(data)})
    components.append(
        {
            "type": "data", "bom-ref": "data:training", "name": "training data (not in the bundle)", "hashes": sha256(training),
            "licenses": free(licences.get("training data", "the user's own")), "data": [{"type": "dataset", "name": "training split"}],
        }
    )  # fmt: skip
    components.sort(key=lambda c: c["bom-ref"])
    refs = [c["bom-ref"] for c in components if c["bom-ref"] != "data:training"]
    bom: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "bundle", "name": name, "version": version}},
        "components": components, "dependencies": [{"ref": "bundle", "dependsOn": refs}],
    }  # fmt: skip
    body = json.dumps(bom, sort_keys=True).encode()
    # a serial number out of the content: the same bundle has the same, and another has another
    bom["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(body).hexdigest()).urn
    return (json.dumps(bom, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
