"""Measure the kit itself, and keep the README's tables true: `python -m common.bench [house|readme]`.

house   runs `make demo` twice from an empty home (ENGINE=auto, ENGINE=llamacpp), times the first answer and every
        `--help`, and writes benchmarks/house.json
readme  writes the tables between the README's markers again; a test checks that they agree
"""

import itertools
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import console, files
from common.contracts import Estimate, now
from common.settings import ROOT, settings

ROOMS = ("serving", "monitoring", "evaluation", "agents", "optimization")
FIRST_ANSWER = re.compile(r"^A: \S")


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    model = "unknown"
    info = Path("/proc/cpuinfo")
    if info.exists():
        model = next(
            (line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")),
            model,
        )
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }


def demo(engine: str) -> dict[str, float]:
    """Seconds of `make demo` from an empty home with the models in it: in all, and until the first answer's first word."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("models", "wheels", "tools"):
            (Path(folder) / name).symlink_to(settings().home / name, target_is_directory=True)
        env = os.environ | {"FIELDKIT_HOME": folder, "ENGINE": engine, "APPROVE": "yes"}
        began, first = time.monotonic(), float("nan")
        with subprocess.Popen(
            ["make", "demo"], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as run:
            for line in run.stdout or ():
                if first != first and FIRST_ANSWER.match(line):
                    first = time.monotonic() - began
                sys.stderr.write(line)
        if run.returncode:
            raise SystemExit(f"make demo with ENGINE={engine} failed")
        story = files.read_json(Path(folder) / "reports" / "story.json", "make demo")
        return {
            "seconds": time.monotonic() - began,
            "first_answer": first,
            **{f"step_{k}": v for k, v in story["seconds"].items()},
        }


def help_seconds(module: str, runs: int = 7) -> list[float]:
    """Wall times of `python -m MODULE --help`, after one that warms the file cache."""
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, check=True)
        times.append(time.perf_counter() - began)
    return times[1:]


def goal(name: str, text: str, values: list[float], limit: float) -> dict[str, Any]:
    """A goal of the form "at most": met when the largest value seen is within the limit."""
    low, high = min(values), max(values)
    return {
        "id": name,
        "goal": text,
        "value": round(statistics.median(values), 2),
        "low": round(low, 2),
        "high": round(high, 2),
        "n": len(values),
        "met": high <= limit,
        "command": "make bench-house",
    }


def estimated(name: str, text: str, e: Estimate, met: bool, command: str) -> dict[str, Any]:
    """A goal that is measured with an interval."""
    value, low, high = (float(f"{x:.4g}") for x in (e.value, e.low, e.high))
    return {
        "id": name,
        "goal": text,
        "value": value,
        "low": low,
        "high": high,
        "n": e.n,
        "met": bool(met),
        "command": command,
    }


def write(name: str, rows: list[dict[str, Any]], goals: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Write benchmarks/NAME.json in the house's form."""
    stamp = now().isoformat(timespec="seconds")
    content = {
        "made_at": stamp,
        "machine": machine(),
        "command": f"make bench-{name}",
        "rows": rows,
        "goals": goals or [],
    }
    console.say(f"written: {files.write_json(ROOT / 'benchmarks' / f'{name}.json', content)}")
    return content


def house() -> None:
    """Measure and write benchmarks/house.json. About a quarter of an hour."""
    helps = {module: help_seconds(module) for module in (*ROOMS, "domains")}
    demos = {engine: demo(engine) for engine in ("auto", "llamacpp")}
    rows = [{"what": f"make demo, ENGINE={e}", **{k: round(v, 1) for k, v in d.items()}} for e, d in demos.items()]
    rows += [{"what": f"python -m {m} --help", "seconds": round(statistics.median(t), 3)} for m, t in helps.items()]
    goals = [
        goal("demo", "make demo after set-up, ENGINE=auto: at most 720 s", [demos["auto"]["seconds"]], 720),
        goal(
            "demo-llamacpp",
            "make demo after set-up, ENGINE=llamacpp: at most 720 s",
            [demos["llamacpp"]["seconds"]],
            720,
        ),
        goal("first-answer", "first answer, ENGINE=auto: within 120 s", [demos["auto"]["first_answer"]], 120),
        goal("help", "--help of every room: under 0.5 s", [t for times in helps.values() for t in times], 0.5),
    ]
    write("house", rows, goals)


def tables() -> dict[str, str]:
    """name -> the README's table, out of benchmarks/*.json."""
    made = {}
    for file in sorted((ROOT / "benchmarks").glob("*.json")):
        content = files.read_json(file, f"make bench-{file.stem}")
        goals = [
            {
                "goal": g["goal"],
                "measured": g["value"],
                "seen": f"{g['low']} to {g['high']} in {g['n']}",
                "met": "yes" if g["met"] else "**no**",
            }
            for g in content["goals"]
        ]
        body = "\n\n".join(block(rows) for rows in by_columns(goals or content["rows"]))
        if goals and page_of(file.stem) != page_of("house"):  # a room shows what it measured, too
            body += "\n\n" + "\n\n".join(block(rows) for rows in by_columns(content["rows"]))
        m = content["machine"]
        foot = f"\n\n`{content['command']}`, {content['made_at'][:10]}, {m['cores']} cores of {m['processor']}, Python {m['python']}."
        made[file.stem] = body + foot
    return made


def by_columns(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows in groups of the same columns, in the order of the file."""
    return [list(group) for _, group in itertools.groupby(rows, key=lambda row: list(row))]


def block(rows: list[dict[str, Any]]) -> str:
    """One Markdown table."""
    lines = [
        list(rows[0]),
        ["---"] * len(rows[0]),
        *([str(cell).replace("|", "\\|") for cell in row.values()] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page_of(name: str) -> Path:
    """The README that shows a table: the room's own, the packs', or the house's."""
    return ROOT / name / "README.md" if name in (*ROOMS, "domains") else ROOT / "README.md"


def readme() -> None:
    """Write the tables between the READMEs' markers."""
    for name, table in tables().items():
        page = page_of(name)
        before, mark, rest = page.read_text().partition(f"<!-- table:{name} -->\n")
        if mark:
            files.write_text(page, f"{before}{mark}{table}\n<!-- end -->{rest.partition('<!-- end -->')[2]}")
        else:
            console.say(f"{page} has no place for table {name}")


if __name__ == "__main__":
    if sys.argv[1:] == ["readme"]:
        readme()
    else:
        house()
        readme()
