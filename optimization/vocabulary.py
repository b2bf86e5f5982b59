"""A smaller vocabulary: the tokens that the training texts use most. At 384 numbers a token it is most of a small file.

The student is trained with the smaller vocabulary: cut after training, it costs one and a half points (a student sees
words in pieces that it never learned).
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any


def used(tokenizer: Any, texts: list[str]) -> Counter[int]:
    """How often each token stands in the texts."""
    counts: Counter[int] = Counter()
    for encoded in tokenizer.encode_batch(texts):
        counts.update(encoded.ids)
    return counts


def cut(source: Path, counts: Counter[int], size: int) -> tuple[list[int], dict[str, Any]] | None:
    """(ids kept, the tokenizer.json with those tokens) of a WordPiece tokenizer; None where it cannot be cut.

    Special tokens and single characters stay, so that a word whose token went is spelled out, not unknown. Where the
    texts use fewer than `size` tokens, the rest is filled up in the vocabulary's own order, which is that of frequency.
    """
    content = json.loads(source.read_text(encoding="utf-8"))
    vocabulary: dict[str, int] = content["model"].get("vocab", {})
    special = {t["content"] for t in content["added_tokens"]}
    processor = (content.get("post_processor") or {"type": "TemplateProcessing"})["type"]
    if content["model"]["type"] != "WordPiece" or processor != "TemplateProcessing" or not special <= set(vocabulary):
        return None  # other kinds keep numbers of tokens elsewhere, too
    always = {i for t, i in vocabulary.items() if t in special or len(t.removeprefix("##")) == 1}
    often = [i for i, _ in counts.most_common() if i not in always]
    rest = [i for i in sorted(vocabulary.values()) if i not in always and i not in counts]
    kept = sorted({*always, *[*often, *rest][: max(0, size - len(always))]})
    new = {old: position for position, old in enumerate(kept)}
    content["model"]["vocab"] = {t: new[i] for t, i in vocabulary.items() if i in new}
    for token in content["added_tokens"]:
        token["id"] = content["model"]["vocab"][token["content"]]
    for token in (content.get("post_processor") or {}).get("special_tokens", {}).values():
        token["ids"] = [content["model"]["vocab"][t] for t in token["tokens"]]
    content["padding"] = content["truncation"] = None
    return kept, content
