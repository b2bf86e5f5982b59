"""Score a Parquet file of prompts: `python -m serving batch IN.parquet OUT.parquet`.

The input has a column `prompt` (text) and may have others, which are kept. Work goes in parts of PART rows, in the
input's order; a finished part is a file beside the output (`OUT.parts/00003.parquet`), and the output appears when all
are there. Cut off, the same command goes on where it was; a different input, model or length is another job and is refused
until the parts are deleted. `--engine ray` hands the parts to Ray Data: the same function, on a cluster's workers,
against the endpoint in LLM_URL (a router in front of replicas).
"""

import hashlib
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from common import console, files
from common.errors import BadInput, EngineFailed
from common.llm import LLM

PART = 32


def score(prompts: list[str], llm: LLM, max_tokens: int, streams: int) -> dict[str, list[Any]]:
    """Columns of answers, in the prompts' order. A prompt that the engine refuses has an error and no answer; an engine
    that is gone raises EngineFailed, so that the part is done again."""

    def one(prompt: str) -> tuple[str | None, int, str]:
        try:
            answer = llm.chat([{"role": "user", "content": prompt}], max_tokens=max_tokens, span="batch")
        except EngineFailed as error:
            if "Error code: 4" not in error.message:
                raise
            return None, 0, error.message
        return answer.text, answer.completion_tokens, ""

    with ThreadPoolExecutor(streams) as pool:
        rows = list(pool.map(one, prompts))
    return {"answer": [r[0] for r in rows], "tokens": [r[1] for r in rows], "error": [r[2] for r in rows]}


def prepare(source: Path, target: Path, job: dict[str, Any]) -> tuple[Any, Path]:
    """(the table, the folder of parts). BadInput where the input is wrong or the parts belong to another job."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(source)
    except (OSError, pa.ArrowInvalid) as error:
        raise BadInput(f"cannot read {source}: {error}", "a Parquet file with a text column `prompt`") from error
    if "prompt" not in table.column_names or not pa.types.is_string(table.schema.field("prompt").type):
        raise BadInput(f"{source} has no text column `prompt`", f"rename one of: {', '.join(table.column_names)}")
    if table["prompt"].null_count:
        raise BadInput(f"{source}: {table['prompt'].null_count} prompts are null", "drop these rows")
    folder = target.with_name(f"{target.name}.parts")
    record, job = folder / "job.json", {"input": files.sha256(source), **job}
    if record.exists() and files.read_json(record, f"delete {folder}") != job:
        raise BadInput(f"{folder} holds parts of another job", f"delete {folder}, or name another output")
    files.write_json(record, job)
    return table, folder


def write_part(table: Any, number: int, folder: Path, columns: dict[str, list[Any]]) -> None:
    """One finished part, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    part = table.slice(number * PART, PART)
    types = {"answer": pa.string(), "tokens": pa.int64(), "error": pa.string()}
    for name, values in columns.items():
        part = part.append_column(name, pa.array(values, types[name]))
    temporary = folder / f".{number:05d}.tmp"
    pq.write_table(part, temporary)
    temporary.replace(folder / f"{number:05d}.parquet")


def run(source: Path, target: Path, engine: str, url: str, max_tokens: int, streams: int) -> dict[str, Any]:
    """Do what is left, join the parts; returns counts. Raises BadInput, NotReady, EngineFailed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    llm = LLM(url)
    table, folder = prepare(source, target, {"model": llm.model, "max_tokens": max_tokens})
    numbers = range(-(-table.num_rows // PART))
    left = [n for n in numbers if not (folder / f"{n:05d}.parquet").exists()]
    if len(left) < len(numbers):
        console.say(f"going on: {len(numbers) - len(left)} of {len(numbers)} parts are done")
    work = {"local": local, "ray": on_ray}[engine]
    with console.progress(f"batch, {engine}", len(left)) as step:
        work(table, left, folder, llm, max_tokens, streams, lambda: step(1))
    if numbers:
        whole = pa.concat_tables([pq.read_table(folder / f"{n:05d}.parquet") for n in numbers])
    else:
        whole = table.append_column("answer", pa.array([], pa.string()))
    temporary = target.with_name(f".{target.name}.{hashlib.sha256(str(target).encode()).hexdigest()[:8]}")
    pq.write_table(whole, temporary)
    temporary.replace(target)
    shutil.rmtree(folder)
    errors = sum(bool(e) for e in whole["error"].to_pylist()) if "error" in whole.column_names else 0
    console.say(f"written: {target} ({whole.num_rows} rows, {errors} refused by the engine)")
    return {
        "output": str(target),
        "rows": whole.num_rows,
        "refused": errors,
        "parts_done_before": len(numbers) - len(left),
    }


def local(
    table: Any, left: Iterable[int], folder: Path, llm: LLM, max_tokens: int, streams: int, done: Callable[[], None]
) -> None:
    """The parts one after the other, each with `streams` requests at a time."""
    for number in left:
        prompts = table["prompt"].slice(number * PART, PART).to_pylist()
        write_part(table, number, folder, score(prompts, llm, max_tokens, streams))
        done()


def on_ray(
    table: Any, left: Iterable[int], folder: Path, llm: LLM, max_tokens: int, streams: int, done: Callable[[], None]
) -> None:
    """The parts over a Ray cluster: the one in RAY_ADDRESS, or a local one. Parts are written here as they come back."""
    try:
        import ray
    except ImportError:
        raise BadInput("Ray is not installed", "make setup, or --engine local") from None

    from common.environments import ROOT

    began = not ray.is_initialized()
    if began:
        # no dashboard: nothing but the cluster's own ports, on loopback
        ray.init(
            include_dashboard=False,
            log_to_driver=False,
            _node_ip_address="127.0.0.1",
            runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
            logging_level="ERROR",
        )
    url, model = llm.url, llm.model

    def scored(row: dict[str, Any]) -> dict[str, Any]:
        return {"number": row["number"], **score(list(row["prompts"]), LLM(url, model), max_tokens, streams)}

    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        rows = [{"number": n, "prompts": table["prompt"].slice(n * PART, PART).to_pylist()} for n in left]
        for row in ray.data.from_items(rows, override_num_blocks=max(1, len(rows))).map(scored).iter_rows():
            columns = {k: list(row[k]) for k in ("answer", "tokens", "error")}
            write_part(table, int(row["number"]), folder, columns)
            done()
    except ray.exceptions.RayError as error:
        raise EngineFailed(
            f"the Ray job failed: {str(error).strip().splitlines()[-1]}", "the same command goes on"
        ) from error
    finally:
        if began:
            ray.shutdown()
