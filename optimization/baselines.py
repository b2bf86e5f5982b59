"""What others would use, built from the same teacher and data. Runs in .venv-torch:

    python -m optimization.baselines HOME/STUDENTS MODELS

MODELS/teacher-openvino: OpenVINO, quantized by NNCF on validation texts. MODELS/model2vec: static embeddings
distilled by model2vec from the untuned encoder, with a logistic regression on the training texts.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from common import console, files
from optimization.lexical import weights

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # else openvino and nncf look up an analytics host
os.environ["HF_HUB_OFFLINE"] = "1"
DIMENSIONS = 256


def openvino(folder: Path, models: Path) -> None:
    """Post-training quantization of the teacher, weights and activations, as NNCF does it for transformers."""
    target = models / "teacher-openvino"
    if target.exists():
        return
    import nncf
    import openvino as ov

    from optimization.compare import calibration_of
    from optimization.quantize import CALIBRATION, Texts

    source = models / "teacher"
    reader = Texts(source, calibration_of(folder)[:CALIBRATION])
    feeds: list[Any] = list(iter(reader.get_next, None))
    quantized = nncf.quantize(
        ov.convert_model(source / "model.onnx"),
        nncf.Dataset(feeds),
        subset_size=len(feeds),
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.MIXED,
    )
    with files.new_folder(target) as made:
        ov.save_model(quantized, made / "model.xml", compress_to_fp16=False)
        for name in ("tokenizer.json", "model.json"):
            shutil.copyfile(source / name, made / name)


def model2vec(folder: Path, models: Path) -> None:
    """Distil, encode, fit."""
    target = models / "model2vec"
    if target.exists():
        return
    import pandas as pd
    from model2vec.distill import distill
    from sklearn.linear_model import LogisticRegression

    made = distill(model_name=str(folder.parent / "base"), pca_dims=DIMENSIONS, quantize_to="int8")
    rows = pd.read_parquet(folder.parent / "train.parquet")
    head = LogisticRegression(C=10, max_iter=2000).fit(made.encode(rows["text"].tolist()), rows["label"])
    coef, intercept = weights(head)
    with files.new_folder(target) as new:
        made.save_pretrained(new / "vectors")
        np.savez(new / "head.npz", coef=coef, intercept=intercept)
        shutil.copyfile(models / "teacher" / "model.json", new / "model.json")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models")
    given = parser.parse_args()
    openvino(given.folder, given.folder / given.models)
    model2vec(given.folder, given.folder / given.models)
    console.say("baselines: OpenVINO int8 and model2vec are built")
