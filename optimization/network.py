"""The networks, in PyTorch: an encoder with a head, and a convolution. Runs in .venv-torch.

Both map (ids, mask), int64 [batch, sequence], to logits [batch, labels], and give their hidden states for distillation.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from common.errors import BadInput

SPANS = (3, 5)  # tokens that the two convolutions see


def pool(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean over the tokens that are there: [batch, sequence, width] -> [batch, width]."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1.0)


class Encoder(nn.Module):
    """A BERT-like encoder (any whose layers are `encoder.layer`), mean pooling and a linear head."""

    def __init__(self, body: nn.Module, labels: int):
        super().__init__()
        if not hasattr(body, "embeddings") or not hasattr(getattr(body, "encoder", None), "layer"):
            raise BadInput(
                f"{type(body).__name__} has no encoder.layer",
                "a teacher of the BERT family: BERT, MiniLM, RoBERTa, XLM-R, ELECTRA",
            )
        self.body, self.head = body, nn.Linear(int(body.config.hidden_size), labels)

    @classmethod
    def load(cls, folder: Path, labels: int) -> "Encoder":
        """Out of a folder with config.json and model.safetensors; nothing is unpickled, no code of the model's is run."""
        from transformers import AutoModel

        try:
            body = AutoModel.from_pretrained(
                folder, use_safetensors=True, trust_remote_code=False, add_pooling_layer=False
            )
        except TypeError:  # a family without a pooling layer to leave out
            body = AutoModel.from_pretrained(folder, use_safetensors=True, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise BadInput(
                f"cannot read a model in {folder}: {error}",
                "--teacher FOLDER with config.json, model.safetensors and tokenizer.json",
            ) from error
        return cls(body, labels)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The form that is exported."""
        return self.head(pool(self.body(input_ids=ids, attention_mask=mask).last_hidden_state, mask))

    def states(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """(logits, the output of every layer; the first is that of the embeddings)."""
        out = self.body(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        return self.head(pool(out.last_hidden_state, mask)), list(out.hidden_states)

    @property
    def depth(self) -> int:
        """Number of layers."""
        return len(self.body.encoder.layer)

    def freeze(self, layers: int) -> None:
        """Leave the embeddings and the lowest layers as they are."""
        for part in (self.body.embeddings, *self.body.encoder.layer[:layers]):
            part.requires_grad_(False)

    def shrink(self, layers: tuple[int, ...]) -> "Encoder":
        """A copy with some of the layers only."""
        import copy

        if not layers or max(layers) >= self.depth:
            raise BadInput(f"layers {layers} of a teacher with {self.depth}", "students.layers in the recipe, from 0")
        made = copy.deepcopy(self)
        made.body.encoder.layer = nn.ModuleList(made.body.encoder.layer[i] for i in layers)
        made.body.config.num_hidden_layers = len(layers)
        return made

    def keep_tokens(self, tokens: list[int]) -> None:
        """Keep the embeddings of these tokens only, in this order."""
        table = self.body.embeddings.word_embeddings
        kept = nn.Embedding(len(tokens), table.embedding_dim, padding_idx=0)
        kept.weight.data = table.weight.data[torch.tensor(tokens)].clone()
        self.body.embeddings.word_embeddings = kept
        self.body.config.vocab_size = len(tokens)

    def keep_positions(self, longest: int) -> None:
        """Drop the positions beyond the longest text that is read; families that count them otherwise keep theirs."""
        if type(self.body).__name__ != "BertModel":
            return
        embeddings = self.body.embeddings
        kept = nn.Embedding(longest, embeddings.position_embeddings.embedding_dim)
        kept.weight.data = embeddings.position_embeddings.weight.data[:longest].clone()
        embeddings.position_embeddings = kept
        embeddings.position_ids = embeddings.position_ids[:, :longest]
        embeddings.token_type_ids = embeddings.token_type_ids[:, :longest]


def neighbours(states: torch.Tensor, span: int) -> torch.Tensor:
    """Each token's states beside those of its neighbours: [batch, sequence, width] -> [batch, sequence, span * width].

    A convolution is a matrix product over this; so written it trains faster at changing lengths, and is quantized as one.
    """
    length, reach = states.shape[1], span // 2
    wide = functional.pad(states, (0, 0, reach, reach))
    return torch.cat([wide[:, i : i + length] for i in range(span)], -1)


class Convolution(nn.Module):
    """Token embeddings, two residual convolutions over three and five tokens, mean and maximum, a linear head.

    The embeddings start as the teacher's, cut to their `width` main directions (PCA over the tokens).
    """

    def __init__(self, vocabulary: int, width: int, labels: int):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        self.near, self.far = (nn.Linear(size * width, width) for size in SPANS)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.head = nn.Linear(2 * width, labels)

    @classmethod
    def of(cls, teacher: Encoder, width: int) -> "Convolution":
        """From the teacher's embeddings."""
        table = teacher.body.embeddings.word_embeddings.weight.detach()
        made = cls(len(table), width, teacher.head.out_features)
        centred = table - table.mean(0)
        _, _, directions = torch.linalg.svd(centred[torch.randperm(len(table))[:8000]], full_matrices=False)
        narrow = centred @ directions[:width].T
        made.embedding.weight.data = narrow / narrow.std()
        return made

    def features(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """[batch, 2 * width]."""
        there = mask.unsqueeze(-1).to(torch.float32)
        states = self.norms[0](self.embedding(ids)) * there
        for span, convolution, norm in zip(SPANS, (self.near, self.far), self.norms[1:], strict=False):
            states = norm(states + functional.gelu(convolution(neighbours(states, span)))) * there
        largest = (states + (there - 1) * 1e4).amax(1)
        return torch.cat([pool(states, mask), largest], 1)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The form that is exported."""
        return self.head(self.features(ids, mask))

    def keep_tokens(self, tokens: list[int]) -> None:
        """Keep the embeddings of these tokens only, in this order."""
        kept = nn.Embedding(len(tokens), self.embedding.embedding_dim, padding_idx=0)
        kept.weight.data = self.embedding.weight.data[torch.tensor(tokens)].clone()
        self.embedding = kept


def save(model: nn.Module, path: Path) -> None:
    """The weights as safetensors, whole or not at all."""
    from safetensors.torch import save_file

    temporary = path.with_suffix(".tmp")
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, str(temporary))
    temporary.chmod(0o644)
    temporary.replace(path)


def restore(model: Any, path: Path) -> Any:
    """Weights back into a model of the same form."""
    from safetensors.torch import load_file

    model.load_state_dict(load_file(str(path)))
    return model
