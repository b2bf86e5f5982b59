"""Recipes: what is trained, distilled, quantized and shipped, in one TOML file. `optimization/recipes/*.toml`, or your own.

Four kinds: `text` (a classifier of texts: teacher, students, variants, bundle), `table` (a pack's predictive model),
`language` (a small language model at fewer bits) and `support` (a judge: does the evidence hold a claim). A recipe names its data and every choice; the seed is a setting.
"""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from common import files
from common.errors import BadInput

FOLDER = Path(__file__).with_name("recipes")

Variant = Literal["fused", "float16", "int8", "int8-reduced", "int8-static", "int8-int4", "int4"]


class Form(BaseModel):
    """Frozen, and refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Data(Form):
    """Labelled texts. `source` is "prompts" (the guard's own) or a CSV, Parquet or JSON-lines file."""

    source: str
    text: str = "text"
    label: str = "label"
    group: str = Field("", description="Column whose rows stay in one split and are resampled together.")
    leave_out: str = Field("", description="A source of the prompts that is not trained on: how far it carries.")
    traffic: bool = Field(False, description="Train on half of the packs' benign traffic, too. For `prompts`.")
    rows: int = Field(0, ge=0, description="At most so many training rows, with the shares of the labels kept; 0: all.")


class Teacher(Form):
    """An encoder with a linear head, fine-tuned."""

    model: str = Field("minilm-torch", description="A name of the model store, a folder, or a hub id.")
    max_tokens: int = Field(64, ge=8, le=512)
    normalise: Literal["", "NFKC"] = Field("", description="NFKC: styled letters are read as plain ones.")
    frozen: int = Field(0, ge=0, description="Lower layers that are not trained, as the embeddings never are.")
    epochs: int = Field(2, ge=1)
    rate: float = Field(1e-4, gt=0)


class Student(Form):
    """A smaller network: some of the teacher's layers, or a convolution over its embeddings made narrow."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    kind: Literal["layers", "convolution"] = "layers"
    layers: tuple[int, ...] = Field((0, 1), description="The teacher's layers that it starts from, from 0.")
    start: Literal["teacher", "base"] = Field(
        "teacher", description="Whose weights: the fine-tuned ones, or the untuned."
    )
    width: int = Field(128, ge=16, description="Channels of a convolution.")
    vocabulary: int = Field(0, ge=0, description="Tokens kept, the most used; rarer words fall into pieces. 0: all.")
    epochs: int = Field(3, ge=1)
    rate: float = Field(2e-4, gt=0)
    distilled: bool = Field(True, description="False: trained on the labels alone, to see what the teacher is worth.")
    forms: tuple[Variant, ...] | None = Field(None, description="Its own forms, in place of the recipe's `variants`.")


class Distillation(Form):
    """Terms of the loss: hard * CE + soft * T^2 KL (Hinton 2015) + hidden * relative MSE of the states (TinyBERT 2020)."""

    temperature: float = Field(2.0, gt=0)
    hard: float = Field(0.3, ge=0)
    soft: float = Field(0.7, ge=0)
    hidden: float = Field(1.0, ge=0)
    augment: float = Field(0.0, ge=0, description="Unlabelled texts made per real one by cutting and joining.")


class Choice(Form):
    """What is shipped: the smallest that keeps `keep` of the teacher's quality (lower bound), or the best."""

    keep: float = Field(0.98, gt=0, le=1)
    prefer: Literal["smallest", "fastest", "recall"] = "smallest"


class Flagging(Form):
    """A detector: which label is flagged, and how many false alarms its users bear."""

    positive: str
    false_alarm_rate: float = Field(0.01, gt=0, lt=1)


class Text(Form):
    """A text classifier."""

    kind: Literal["text"]
    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    use: str = Field("", description="For the model card: what it is for, and what it is not for.")
    licences: dict[str, str] = {}
    data: Data
    teacher: Teacher = Teacher()
    students: tuple[Student, ...] = Field(min_length=1)
    distil: Distillation = Distillation()
    variants: tuple[Variant, ...] = ("int8-reduced", "int8-int4")
    choice: Choice = Choice()
    flagging: Flagging | None = None

    @model_validator(mode="after")
    def _names(self) -> "Text":
        names = [s.name for s in self.students]
        if len(set(names)) < len(names) or {"teacher", "lexical", "model2vec"} & set(names):
            raise ValueError("every student needs a name of its own, and not `teacher`, `lexical` or `model2vec`")
        if self.data.source not in ("prompts", "") and (self.data.traffic or self.data.leave_out):
            raise ValueError("data.traffic and data.leave_out are for the source `prompts`")
        return self


class Table(Form):
    """A pack's predictive model; its data and its features are the pack's."""

    kind: Literal["table"]
    name: str
    title: str
    parity: float = Field(1e-4, gt=0, description="Largest difference in probability to scikit-learn.")


class Language(Form):
    """A small language model at fewer bits."""

    kind: Literal["language"]
    name: str
    title: str
    model: str = "smollm2"
    precisions: tuple[Literal["fp32", "int8", "int4", "int4-small"], ...] = ("fp32", "int8", "int4", "int4-small")
    block: int = Field(32, description="Weights that share a scale, at int8.")
    tokens: int = Field(4096, ge=256, description="Tokens of the pack's documents on which perplexity is measured.")
    decode: int = Field(64, ge=8, description="Tokens generated when timing.")


class Support(Form):
    """A cross-encoder of claim and evidence; its training pairs come with the command."""

    kind: Literal["support"]
    name: str
    title: str
    model: str = Field("minilm-torch", description="A name of the model store, a folder, or a hub id.")
    max_tokens: int = Field(192, ge=32, le=512, description="Of claim and evidence together.")
    epochs: int = Field(1, ge=1)
    stop: float = Field(
        1.0, gt=0, le=1, description="Share of the steps after which training stops, with its rate still high."
    )
    rate: float = Field(2e-4, gt=0)
    marks: float = Field(1.0, ge=0, description="Weight of the loss of the marked words beside that of the claim.")
    form: Variant = "int8-int4"


AnyRecipe = Text | Table | Language | Support
Recipe = Annotated[AnyRecipe, Field(discriminator="kind")]


def names() -> list[str]:
    """The recipes that come with the kit."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str, **changes: Any) -> AnyRecipe:
    """A recipe by name or path. `changes`: "data.rows" -> value, what the command line overrides; None changes nothing.

    BadInput names the field and the file.
    """
    path = FOLDER / f"{name}.toml" if name in names() else Path(name)
    if path.suffix != ".toml" or not path.is_file():
        raise BadInput(f"no recipe {name}", f"one of {', '.join(names())}, or a path to a .toml of yours")
    try:
        content = tomllib.loads(files.read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not TOML: {error}", "mend the line that it names") from error
    for key, value in changes.items():
        if value is not None:
            *parents, last = key.split(".")
            node = content
            for parent in parents:
                node = node.setdefault(parent, {})
            node[last] = value
    return parse(content, path)


def load_text(name: str, rows: int) -> Text:
    """A recipe of texts with at most so many training rows (0: all)."""
    found = load(name)
    if not isinstance(found, Text):
        raise BadInput(f"recipe {name} is none of texts", "guard, text, or a .toml of yours whose kind is text")
    return found.model_copy(update={"data": found.data.model_copy(update={"rows": rows})})


def parse(content: dict[str, Any], path: Path) -> AnyRecipe:
    """A recipe out of its content; `path` is for the message."""
    try:
        return TypeAdapter[AnyRecipe](Recipe).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"{path}: {where}: {first['msg']}", f"mend it in {path}; the fields are in {__file__}"
        ) from error


def digest(*parts: str) -> str:
    """Twelve hex digits that name what the parts make."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
