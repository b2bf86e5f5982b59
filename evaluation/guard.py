"""A guard before the model: the detector that the optimization room ships, asked over HTTP (GUARD_URL), as in production."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.errors import EngineFailed, NotReady

TEXTS = 32  # a request
MEND = (
    "SITE/guard/current/serve, then GUARD_URL=http://127.0.0.1:8765   (optimization/README.md says how to install one)"
)


@dataclass(frozen=True)
class Guard:
    """An endpoint with POST /classify and GET /health."""

    url: str

    @property
    def name(self) -> str:
        """Its product and version. NotReady where nobody answers."""
        about = self._ask("/health")
        return f"{about.get('name', 'guard')} {about.get('version', '')}".strip()

    def flagged(self, texts: Mapping[str, Sequence[str]]) -> dict[str, bool]:
        """id -> whether any of its texts is flagged."""
        jobs = [(i, text) for i, found in texts.items() for text in found]
        said = dict.fromkeys(texts, False)
        for start in range(0, len(jobs), TEXTS):
            part = jobs[start : start + TEXTS]
            answers = self._ask("/classify", {"texts": [text for _, text in part]})["answers"]
            for (i, _), answer in zip(part, answers, strict=True):
                said[i] = said[i] or bool(answer["flagged"])
        return said

    def _ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        if not self.url.startswith(("http://", "https://")):
            raise NotReady(f"GUARD_URL={self.url} is no address", MEND)
        request = urllib.request.Request(self.url.rstrip("/") + path, data, {"Content-Type": "application/json"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  (the scheme was checked)
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise EngineFailed(f"{self.url}{path}: {error.read().decode(errors='replace')[:200]}", MEND) from error
        except (OSError, ValueError) as error:
            raise NotReady(f"no guard answers at {self.url}: {error}", MEND) from error
