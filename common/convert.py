"""Converters of the model store; they need PyTorch, so they run in .venv-torch: `python -m common.convert KIND SRC DST`.

checkpoint  a GGUF file into a float32 checkpoint for vLLM (dequantized: the values are those of the GGUF)
encoder     a BERT sentence encoder into one ONNX file with mean pooling and L2 normalisation inside
"""

import shutil
import sys
from pathlib import Path
from typing import Any


def checkpoint(source: Path, target: Path) -> None:
    """`source`/model.gguf -> a Hugging Face checkpoint in `target`, float32, with tokenizer and chat template."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    # without dequantize=True the weights stay packed and save_pretrained refuses
    model = AutoModelForCausalLM.from_pretrained(
        source, gguf_file="model.gguf", quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
    )
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(source, gguf_file="model.gguf").save_pretrained(target)


def encoder(source: Path, target: Path) -> None:
    """A MiniLM checkpoint -> `target`/model.onnx: (ids, mask) int64 [batch, sequence] -> float32 [batch, width].

    Raises AssertionError where ONNX Runtime and PyTorch differ by more than 1e-5 on padded rows.
    """
    import numpy as np
    import onnxruntime
    import torch
    from transformers import BertModel

    class Encoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = BertModel.from_pretrained(source, add_pooling_layer=False)

        def forward(self, ids: Any, mask: Any) -> Any:
            states = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1).to(states.dtype)
            mean = (states * weights).sum(1) / weights.sum(1).clamp(min=1.0)
            return torch.nn.functional.normalize(mean, dim=1)

    model = Encoder().eval()
    ids = torch.randint(1000, 2000, (3, 12))
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0  # a padded row must come out the same
    export(model, (ids, mask), target / "model.onnx", outputs=["vector"])
    session = onnxruntime.InferenceSession(target / "model.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"ids": ids.numpy(), "mask": mask.numpy()})
    with torch.no_grad():
        difference = float(np.abs(found - model(ids, mask).numpy()).max())
    if difference > 1e-5:
        raise AssertionError(f"ONNX Runtime differs from PyTorch by {difference:.1e}")
    shutil.copyfile(source / "tokenizer.json", target / "tokenizer.json")


def export(
    model: Any, example: tuple[Any, ...], target: Path, outputs: list[str], inputs: tuple[str, ...] = ("ids", "mask")
) -> None:
    """torch.onnx.export with dynamic batch and sequence, in one file, checked."""
    import onnx
    import torch

    batch, sequence = torch.export.Dim("batch", min=1, max=1024), torch.export.Dim("sequence", min=2, max=512)
    shape = {0: batch, 1: sequence}
    program = torch.onnx.export(
        model, example, dynamo=True, opset_version=20, external_data=False, verbose=False,
        input_names=list(inputs), output_names=outputs, dynamic_shapes=(shape,) * len(inputs),
    )  # fmt: skip
    program.save(target, external_data=False)
    onnx.checker.check_model(onnx.load(target), full_check=True)


if __name__ == "__main__":
    {"checkpoint": checkpoint, "encoder": encoder}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
