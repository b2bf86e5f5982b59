"""The judges by name, each with its card where it has been calibrated."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.encoder import minilm
from common.errors import BadInput
from common.settings import settings as shared
from evaluation.baselines import untrained
from evaluation.calibrate import Card, Judge, load_card
from evaluation.grounded import Grounded, uncalibrated
from evaluation.local import Local

NAMES = ("local", "token-overlap", "bigram-overlap", "cosine", "llm")
CARD = "card.json"
PAGES = Path(__file__).with_name("calibration")  # the pages and the card that the kit ships


def endpoint(kept: Path | None = None) -> Judge:
    """The LLM at LLM_URL. kept: the folder of what it has judged before, the kit's home by default."""
    from common.llm import LLM
    from evaluation.config import settings
    from evaluation.endpoint import Endpoint

    return Endpoint(LLM(), kept or shared().folder("evaluation"), settings().concurrency)


def judge(name: str) -> Judge:
    """A judge by name, or the folder of one of your own. BadInput for neither."""
    made: dict[str, Callable[[], Any]] = {"local": Local, "llm": endpoint}
    made.update(untrained(minilm))
    if name in made:
        return made[name]()
    if (Path(name) / "model.onnx").exists():
        return Local(Path(name))
    raise BadInput(f"no judge {name}", f"one of {', '.join(NAMES)}, or a folder with model.onnx")


def card_of(name: str, found: Judge) -> Path:
    """Where a judge's card lies: the shipped one's beside its page, your own beside its weights, others in the kit's home."""
    if name == "local":
        return PAGES / "local.json"
    if (Path(name) / "model.onnx").exists():
        return Path(name) / CARD
    return shared().folder("evaluation/cards") / f"{found.name}.json"


def grounded(name: str = "local") -> Grounded:
    """A judge with its card; without one that fits its version it is uncalibrated, and advisory."""
    found = judge(name)
    path, version = card_of(name, found), version_of(found)
    card: Card | None = load_card(path) if path.exists() else None
    return Grounded(found, card) if card and card.version == version else uncalibrated(found, version)


def version_of(found: Judge) -> str:
    """What names the weights or the prompt behind a judge; a rule's version is that of the kit."""
    return str(getattr(found, "version", "rule"))
