"""Score a Parquet file of prompts: `python -m serving batch IN.parquet OUT.parquet`.

The input has a column `prompt` (text) and may have others, which are kept. Work goes in parts of PART rows, in the
input's order; a finished part is a file beside the output (`OUT.parts/00003.parquet`), and the output appears when all
are there. Cut off, the same command goes on where it was; a different input, model or length is another job and is refused
until the parts are deleted. `--engine ray` hands the parts to Ray Data: the same function, on a cluster's workers,
against the endpoint in LLM_URL (a router in front of replicas).
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from filelock import FileLock

from common import console, files
from common.errors import BadInput, EngineFailed
from common.llm import LLM

PART = 32
MADE = {"answer": "string", "tokens": "int64", "error": "string"}  # the columns of the result, with Arrow's types


def score(prompts: list[str], llm: LLM, max_tokens: int, streams: int) -> dict[str, list[Any]]:
    """Columns of answers, in the prompts' order. A prompt that the engine refuses has an error and no answer; an engine
    that is gone raises EngineFailed, so that the part is done again."""

    def one(prompt: str) -> tuple[str | None, int, str]:
        try:
            answer = llm.chat([{"role": "user", "content": prompt}], max_tokens=max_tokens, span="batch")
        except EngineFailed as error:
            if error.status not in (400, 413, 422):  # the others are ours to mend: key, model, overload
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
    texts = (pa.string(), pa.large_string(), pa.string_view())
    if "prompt" not in table.column_names or table.schema.field("prompt").type not in texts:
        raise BadInput(f"{source} has no text column `prompt`", f"rename one of: {', '.join(table.column_names)}")
    if table["prompt"].null_count:
        raise BadInput(f"{source}: {table['prompt'].null_count} prompts are null", "drop these rows")
    if taken := sorted(set(table.column_names) & set(MADE)):
        raise BadInput(f"{source} has a column {taken[0]}, which the result adds", "rename it in the input")
    if target.is_dir():
        raise BadInput(f"{target} is a folder", "name a file, OUT.parquet")
    folder = target.with_name(f"{target.name}.parts")
    record, job = folder / "job.json", {"input": files.sha256(source), **job}
    if record.exists() and files.read_json(record, f"delete {folder}") != job:
        raise BadInput(f"{folder} holds parts of another job", f"delete {folder}, or name another output")
    if folder.exists() and not record.exists() and any(folder.glob("*.parquet")):
        raise BadInput(f"{folder} holds parts of nobody's job", f"delete {folder}")
    files.write_json(record, job)
    return table, folder


def write_part(table: Any, number: int, folder: Path, columns: dict[str, list[Any]]) -> None:
    """One finished part, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    part = table.slice(number * PART, PART)
    for name, values in columns.items():
        part = part.append_column(name, pa.array(values, MADE[name]))
    temporary = folder / f".{number:05d}.tmp"
    pq.write_table(part, temporary)
    temporary.replace(folder / f"{number:05d}.parquet")


def run(source: Path, target: Path, engine: str, url: str, max_tokens: int, streams: int) -> dict[str, Any]:
    """Do what is left, join the parts; returns counts. Raises BadInput, NotReady, EngineFailed."""
    if not target.parent.is_dir():
        raise BadInput(f"{target.parent} is no folder", "name a file in a folder that exists")
    llm = LLM(url)
    with FileLock(target.with_name(f".{target.name}.lock")):
        return finish(source, target, engine, llm, max_tokens, streams)


def finish(source: Path, target: Path, engine: str, llm: LLM, max_tokens: int, streams: int) -> dict[str, Any]:
    """`run`, for who holds the target's lock."""
    import pyarrow as pa
    import pyarrow.parquet as pq

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
        whole = table
        for name, kind in MADE.items():
            whole = whole.append_column(name, pa.array([], kind))
    temporary = target.with_name(f".{target.name}.{hashlib.sha256(str(target).encode()).hexdigest()[:8]}")
    pq.write_table(whole, temporary)
    temporary.replace(target)
    done = folder.rename(folder.with_name(f".{folder.name}.done-{os.getpid()}"))  # first out of sight, then away
    shutil.rmtree(done)
    errors = sum(bool(e) for e in whole["error"].to_pylist())
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
    if "RAY_ADDRESS" not in os.environ:
        # a local cluster then stays on loopback: otherwise Ray turns 127.0.0.1 into the machine's outward address
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        import ray
    except ImportError:
        raise BadInput("Ray is not installed", "make setup, or --engine local") from None

    from common.environments import ROOT

    began = not ray.is_initialized()
    if began:
        ray.init(
            include_dashboard=False,
            log_to_driver=False,
            _node_ip_address="127.0.0.1",
            runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
            logging_level="ERROR",
        )
    url, model, key = llm.url, llm.model, llm.key  # the key travels in the function, not in a worker's environment

    def scored(row: dict[str, Any]) -> dict[str, Any]:
        return {"number": row["number"], **score(list(row["prompts"]), LLM(url, model, key), max_tokens, streams)}

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
