"""Service levels out of vLLM's /metrics: how much was good, and how fast the error budget burns.

Three objectives, each a share of requests that must be good: first token in time, tokens at reading speed, no server
error. The burn rate is the share that was bad over the share that may be: 1 uses the budget up exactly, 14.4 uses a
month's budget up in two days. An alert needs a long and a short window to burn, so that it is neither late nor
stale (Google, The Site Reliability Workbook, chapter 5). The supervisor samples /metrics every 15 s; nothing else has
to run. `serving/deploy/slo-rules.yaml` holds the same objectives for Prometheus.
"""

import html
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import stats
from common.files import write_text


@dataclass(frozen=True)
class Objective:
    """At least `target` of all requests are good: a histogram's observations up to `limit` s, or responses below 500."""

    name: str
    metric: str
    limit: float
    target: float
    meaning: str


OBJECTIVES = (
    Objective("first token", "vllm:time_to_first_token_seconds", 2.5, 0.95, "95 % of first tokens within 2.5 s"),
    Objective(
        "reading speed", "vllm:inter_token_latency_seconds", 0.2, 0.95, "95 % of tokens within 0.2 s of the one before"
    ),
    Objective("no server error", "http_requests_total", 0.0, 0.99, "99 % of responses are no 5xx"),
)
# (long window, short window, burn rate that wakes somebody), seconds
ALERTS = ((3600, 300, 14.4), (21600, 1800, 6.0))
HANDLERS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")


def sample(text: str, at: float | None = None) -> dict[str, Any]:
    """The counts (good, all) of each objective in a /metrics page; empty where the engine has no such histograms."""
    from prometheus_client.parser import text_string_to_metric_families

    counts = {o.name: [0.0, 0.0] for o in OBJECTIVES}
    seen = False
    for family in text_string_to_metric_families(text):
        for o in OBJECTIVES:
            if family.name == o.metric.removesuffix("_total"):
                seen = seen or bool(o.limit)
                for s in family.samples:
                    good, total = share(o, s.name, s.labels, s.value)
                    counts[o.name][0] += good
                    counts[o.name][1] += total
    return {"at": at or time.time(), "counts": counts} if seen else {}


def share(o: Objective, name: str, labels: Mapping[str, str], value: float) -> tuple[float, float]:
    """What one line of /metrics adds to (good, all)."""
    if o.limit:
        good = value if name.endswith("_bucket") and labels["le"] != "+Inf" and float(labels["le"]) == o.limit else 0.0
        return good, value if name.endswith("_count") else 0.0
    if name.endswith("_total") and labels.get("handler") in HANDLERS:
        return (0.0 if labels["status"].startswith("5") else value), value
    return 0.0, 0.0


def between(samples: Sequence[Mapping[str, Any]], seconds: float, now: float) -> dict[str, tuple[float, float]]:
    """(good, all) of each objective within the last `seconds`. A counter that fell back (a restart) began again at 0."""
    window = [s for s in samples if s["at"] >= now - seconds]
    before = [s for s in samples if s["at"] < now - seconds][-1:]
    found = {}
    for o in OBJECTIVES:
        good = total = 0.0
        steps = [*before, *window]
        last = steps[0]["counts"][o.name] if before else [0.0, 0.0]
        for s in window:
            g, t = s["counts"][o.name]
            fell = t < last[1]
            good, total = good + g - (0 if fell else last[0]), total + t - (0 if fell else last[1])
            last = [g, t]
        found[o.name] = (good, total)
    return found


def burn(good: float, total: float, target: float) -> float:
    """Burn rate: bad share over the share that may be bad; NaN without requests."""
    return (1 - good / total) / (1 - target) if total else float("nan")


def page(samples: Sequence[Mapping[str, Any]], now: float) -> list[dict[str, Any]]:
    """One row an objective: share with its interval over six hours, burn rates of each window, whether to wake somebody."""
    rows = []
    windows = sorted({w for pair in ALERTS for w in pair[:2]})
    counted = {w: between(samples, w, now) for w in windows}
    for o in OBJECTIVES:
        good, total = counted[windows[-1]][o.name]
        rates = {w: burn(*counted[w][o.name], o.target) for w in windows}
        rows.append(
            {
                "objective": o.meaning,
                "good": str(stats.proportion(round(good), round(total))) if total else "no requests",
                "n": round(total),
                "burn": {f"{w // 60} min": round(rates[w], 2) if rates[w] == rates[w] else None for w in windows},
                "alert": any(rates[long] > limit and rates[short] > limit for long, short, limit in ALERTS),
            }
        )
    return rows


def bad_share(o: Objective, window: str) -> str:
    """PromQL: the share of an objective's requests that were bad within a window."""
    if o.limit:
        good, total = f'{o.metric}_bucket{{le="{o.limit}"}}', f"{o.metric}_count"
        return f"1 - sum(rate({good}[{window}])) / sum(rate({total}[{window}]))"
    routes = f'handler=~"{"|".join(HANDLERS)}"'
    bad, total = f'{o.metric}{{{routes},status="5xx"}}', f"{o.metric}{{{routes}}}"
    return f"(sum(rate({bad}[{window}])) or vector(0)) / sum(rate({total}[{window}]))"


def prometheus_rules() -> dict[str, Any]:
    """The same objectives and alerts as rules for Prometheus (see `serving.dashboard`, which writes them)."""
    rules: list[dict[str, Any]] = []
    for o in OBJECTIVES:
        slug = o.name.replace(" ", "_")
        for seconds in sorted({w for pair in ALERTS for w in pair[:2]}):
            window = f"{seconds // 60}m"
            expression = f"({bad_share(o, window)}) / {round(1 - o.target, 4)}"
            rules.append({"record": f"fieldkit:{slug}:burn_{window}", "expr": expression})
        pairs = [
            f"(fieldkit:{slug}:burn_{long // 60}m > {limit} and fieldkit:{slug}:burn_{short // 60}m > {limit})"
            for long, short, limit in ALERTS
        ]
        rules.append(
            {
                "alert": f"BudgetBurns_{slug}",
                "expr": " or ".join(pairs),
                "labels": {"severity": "page"},
                "annotations": {"summary": f"Error budget burns: {o.meaning}"},
            }
        )
    gone = 'absent(vllm:num_requests_running) or up{job="vllm"} == 0'
    down = {"alert": "EngineDown", "expr": gone, "for": "2m", "labels": {"severity": "page"}}
    rules.append(down | {"annotations": {"summary": "No engine answers: burn rates say nothing without requests"}})
    return {"groups": [{"name": "fieldkit-serving", "interval": "30s", "rules": rules}]}


def write_page(rows: Iterable[Mapping[str, Any]], path: Path) -> Path:
    """The page for people."""
    lines = []
    for row in rows:
        cells = [row["objective"], row["good"], row["n"], *(v if v is not None else "–" for v in row["burn"].values())]
        mark = ' class="alert"' if row["alert"] else ""
        lines.append(f"<tr{mark}>{''.join(f'<td>{html.escape(str(c))}</td>' for c in cells)}</tr>")
    heads = [
        "objective",
        "share that was good, 95 % interval",
        "n",
        *(f"burn, {w // 60} min" for w in sorted({w for p in ALERTS for w in p[:2]})),
    ]
    head = "".join(f"<th>{h}</th>" for h in heads)
    style = "body{font:15px system-ui;margin:2em}td,th{padding:.4em 1em;text-align:left;border-bottom:1px solid #ddd}.alert{background:#fdd}"
    note = "A burn rate of 1 uses the budget up exactly. Red: a long and a short window both burn too fast."
    return write_text(
        path,
        f"<!doctype html><meta charset=utf-8><title>Service levels</title><style>{style}</style>"
        f"<h1>Service levels</h1><table><tr>{head}</tr>{''.join(lines)}</table><p>{note}</p>\n",
    )
