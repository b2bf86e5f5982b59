"""The demo of the evaluation room: is prompt v2 a release, compared with v1? And what does it make up?"""

from typing import Any

from common import console
from common.settings import settings as shared
from domains.pack import load
from evaluation import release


def demo(every: int) -> dict[str, Any]:
    """Compare prompt v2 with v1 on the pack of DOMAIN; the verdict is printed, not enforced."""
    decision, places = release.compare(load(shared().domain), "v1", "v2", every)
    release.tell(decision)
    for what in ("picture", "scorecard", "page"):
        console.say(f"{what}: {places[what]}")
    return decision.model_dump(mode="json") | places
