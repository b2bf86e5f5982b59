"""The judges by name, each with its card where it has been calibrated."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.encoder import minilm
from common.errors import BadInput
from common.settings import settings as shared
from evaluation.baselines import untrained
from evaluation.calibrate import Judge, load_card
from evaluation.grounded import Grounded, uncalibrated
from evaluation.local import Local

NAMES = ("local", "token-overlap", "bigram-overlap", "cosine", "llm")
CARD = "card.json"
PAGES = Path(__file__).with_name("calibration")  # the pages that the kit ships
SHIPPED = PAGES / "local.json"  # the card that it ships: the benchmark writes it, and nobody's own calibration


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
    """Where a calibration of your own is kept: beside the weights where they are a folder of yours, else in the kit's home."""
    if name not in NAMES:
        return Path(name) / CARD
    return shared().home / "evaluation" / "cards" / f"{found.name}.json"


def grounded(name: str = "local") -> Grounded:
    """A judge with its card: your own before the shipped one. Without one that fits its version it is uncalibrated, and advisory."""
    found = judge(name)
    version = version_of(found)
    for path in (card_of(name, found), *([SHIPPED] if name == "local" else [])):
        if path.exists() and (card := load_card(path)).version == version:
            return Grounded(found, card)
    return uncalibrated(found, version)


def version_of(found: Judge) -> str:
    """What names the weights or the prompt behind a judge; a rule's version is that of the kit."""
    return str(getattr(found, "version", "rule"))
