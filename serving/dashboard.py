"""The files that watch vLLM from outside, made from one list: `python -m serving.dashboard` writes them anew.

serving/deploy/grafana.json     a Grafana dashboard: first token, token speed, queue, cache, prefix hits, refusals, errors
serving/deploy/slo-rules.yaml   recording and alerting rules for Prometheus, with the objectives of `serving.slo`

A test holds the files against this module, and every metric that they name against a running engine.
"""

import json
from pathlib import Path
from typing import Any

from common import files
from serving import slo

DEPLOY = Path(__file__).with_name("deploy")
MODEL = '{model_name=~"$model"}'
QUANTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


def quantiles(metric: str) -> dict[str, str]:
    """legend -> query, of a histogram."""
    return {
        name: f"histogram_quantile({q}, sum by (le) (rate(vllm:{metric}_bucket{MODEL}[$__rate_interval])))"
        for name, q in QUANTILES
    }


def rate(metric: str, by: str = "") -> str:
    """A counter's speed, of all replicas together or by a label."""
    return f"sum {f'by ({by}) ' if by else ''}(rate(vllm:{metric}{MODEL}[$__rate_interval]))"


# title -> (unit, what to look for, legend -> query)
PANELS: dict[str, tuple[str, str, dict[str, str]]] = {
    "Time to first token": (
        "s",
        "Rises first when the queue grows: then look at the queue, then at long prompts.",
        quantiles("time_to_first_token_seconds"),
    ),
    "Inter-token latency": (
        "s",
        "What a reader feels. Rises with the number of sequences that run together.",
        quantiles("inter_token_latency_seconds"),
    ),
    "Whole requests": ("s", "From arrival to the last token.", quantiles("e2e_request_latency_seconds")),
    "Waiting time": ("s", "Time in the queue before the first step.", quantiles("request_queue_time_seconds")),
    "Tokens a second": (
        "short",
        "Prompt tokens that had to be computed, and tokens written.",
        {"prompt": rate("prompt_tokens_total"), "generation": rate("generation_tokens_total")},
    ),
    "Requests": (
        "short",
        "A waiting line that does not go down is overload.",
        {"running": f"sum(vllm:num_requests_running{MODEL})", "waiting": f"sum(vllm:num_requests_waiting{MODEL})"},
    ),
    "Key-value cache in use": (
        "percentunit",
        "At 1, sequences are put back and computed again (preemptions).",
        {"use": f"max(vllm:kv_cache_usage_perc{MODEL})", "preemptions/s": rate("num_preemptions_total")},
    ),
    "Prefix cache hits": (
        "percentunit",
        "Share of prompt tokens that were not computed again. Low on a RAG load: is the prompt's order the same each time?",
        {"hits": f"{rate('prefix_cache_hits_total')} / {rate('prefix_cache_queries_total')}"},
    ),
    "Ends of requests": (
        "short",
        "`abort` is a client that left.",
        {"{{finished_reason}}": rate("request_success_total", "finished_reason")},
    ),
    "Refused": (
        "short",
        "503 with Retry-After. More than a few: another replica, or MAX_NUM_REQUESTS.",
        {"{{reason}}": rate("admission_rejections_total", "reason")},
    ),
}


def panel(number: int, title: str, unit: str, text: str, queries: dict[str, str]) -> dict[str, Any]:
    """One time series panel, two in a row."""
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "description": text,
        "datasource": source,
        "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(65 + i), "datasource": source, "expr": query, "legendFormat": legend, "range": True}
            for i, (legend, query) in enumerate(queries.items())
        ],
    }


def variable(name: str, kind: str, query: str, **more: Any) -> dict[str, Any]:
    """A variable at the dashboard's top."""
    return {"name": name, "type": kind, "query": query, "refresh": 1, **more}


def grafana() -> dict[str, Any]:
    """The dashboard."""
    source = {"type": "prometheus", "uid": "${source}"}
    models = variable(
        "model", "query", "label_values(vllm:num_requests_running, model_name)",
        datasource=source, includeAll=True, multi=True, current={"text": "All", "value": "$__all"},
    )  # fmt: skip
    return {
        "uid": "fieldkit-serving",
        "title": "Fieldkit: vLLM",
        "schemaVersion": 39,
        "tags": ["fieldkit", "vllm"],
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "15s",
        "templating": {"list": [variable("source", "datasource", "prometheus"), models]},
        "panels": [panel(i, title, *body) for i, (title, body) in enumerate(PANELS.items())],
    }


def main() -> None:
    """Write the files."""
    import yaml

    files.write_json(DEPLOY / "grafana.json", grafana())
    rules = yaml.safe_dump(json.loads(json.dumps(slo.prometheus_rules())), sort_keys=False, width=1000)
    files.write_text(DEPLOY / "slo-rules.yaml", f"# Written by python -m serving.dashboard\n{rules}")


if __name__ == "__main__":
    main()
