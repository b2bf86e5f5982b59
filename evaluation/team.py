"""The pack's attacks as deepteam disguises them: those of its attacks that are code alone, so that no LLM writes a prompt.

deepteam is none of the kit's dependencies: it imports Sentry's client, which it does not declare, and `disguise.py` holds most
of these forms. Where it is installed, `DEEPTEAM=6` sends six plain attacks of the pack in each form; success stays a matched goal.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from common.errors import NotReady
from domains.forms import Attack
from evaluation.wild import LONGEST

FORMS = ("Base64", "ROT13", "Leetspeak", "CharacterStream", "ContextFlooding", "EmbeddedInstructionJSON")
MEND = "uv pip install deepteam==1.0.10 sentry-sdk   (in .venv; sentry-sdk is a dependency that it does not declare)"


def attacks(plain: Sequence[Attack], n: int) -> Iterator[Attack]:
    """The first n direct attacks without a disguise, in every form. NotReady where deepteam is not installed."""
    chosen = [a for a in plain if a.channel == "direct" and a.obfuscation == "none"][:n]
    if not chosen:
        return
    for form, change in forms().items():
        for a in chosen:
            yield a.model_copy(
                update={
                    "id": f"{a.id}-{form.lower()}",
                    "family": f"deepteam {form}",
                    "prompt": change.enhance(a.prompt),
                }
            )


def forms() -> dict[str, Any]:
    """Name -> deepteam's attack."""
    try:
        from deepteam.attacks import single_turn
    except ModuleNotFoundError as error:
        raise NotReady(f"DEEPTEAM is set and {error.name} is not installed", MEND) from error
    size = {"ContextFlooding": {"target_chars": LONGEST}}  # a small model's context holds no more beside an answer
    return {form: getattr(single_turn, form)(**size.get(form, {})) for form in FORMS}
