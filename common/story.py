"""The end of `make demo`: what each step took, what MLflow holds now, and where the pictures lie.

python -m common.story FOLDER      (the folder in which make left one file a step, with its seconds)
"""

import sys
from pathlib import Path
from typing import Any

from common import console, files
from common.settings import settings
from common.tracking import mlflow_client

ROOMS = ("serving", "evaluation", "monitoring", "agents", "optimization")


def holdings() -> dict[str, dict[str, int]]:
    """experiment -> finished runs, traces and runs with artifacts, out of MLflow."""
    client = mlflow_client()
    found = {}
    for room in ROOMS:
        experiment = client.get_experiment_by_name(room)
        if experiment is None:
            found[room] = {"runs": 0, "traces": 0, "artifacts": 0}
            continue
        runs = client.search_runs([experiment.experiment_id], "attributes.status = 'FINISHED'", max_results=1000)
        traces = client.search_traces(locations=[experiment.experiment_id], max_results=1000, include_spans=False)
        found[room] = {
            "runs": len(runs),
            "traces": len(traces),
            "artifacts": sum(bool(client.list_artifacts(r.info.run_id)) for r in runs),
        }
    return found


def registry() -> list[tuple[str, str, str]]:
    """(model, its versions, its aliases) of everything that is registered."""
    client = mlflow_client()
    rows = []
    for model in client.search_registered_models():
        versions = sorted(int(v.version) for v in client.search_model_versions(f"name = '{model.name}'"))
        aliases = client.get_registered_model(model.name).aliases
        rows.append(
            (model.name, ", ".join(map(str, versions)), ", ".join(f"{a} = {v}" for a, v in sorted(aliases.items())))
        )
    return rows


def tell(folder: Path) -> dict[str, Any]:
    """Print the summary, and keep it as `.fieldkit/reports/story.json`."""
    seconds = {step: int((folder / step).read_text()) for step in ROOMS if (folder / step).exists()}
    held = holdings()
    console.table(
        "The whole loop",
        ["step", "seconds", "runs", "traces", "runs with artifacts"],
        [(r, seconds.get(r, "-"), *held[r].values()) for r in ROOMS],
    )
    console.table("Registry", ["model", "versions", "aliases"], registry())
    reports = settings().reports
    console.say(f"pictures: {', '.join(p.name for p in sorted(reports.glob('*.png')))} in {reports}")
    console.say(f"to look around: .venv/bin/mlflow ui --host 127.0.0.1 --backend-store-uri {settings().tracking_uri}")
    story = {"seconds": seconds, "mlflow": held, "registry": registry()}
    files.write_json(reports / "story.json", story)
    return story


if __name__ == "__main__":
    tell(Path(sys.argv[1]))
