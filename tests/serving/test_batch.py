import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import BadInput, EngineFailed
from serving import batch
from tests.conftest import run_cli


@pytest.fixture
def prompts(tmp_path):
    file = tmp_path / "in.parquet"
    pq.write_table(pa.table({"id": list(range(70)), "prompt": [f"question {i}" for i in range(70)]}), file)
    return file


def answers(file) -> list[str]:
    return pq.read_table(file)["answer"].to_pylist()


def test_every_prompt_gets_its_answer_beside_its_columns(home, echo_url, prompts, tmp_path) -> None:
    env = {"LLM_URL": echo_url}
    done = run_cli("serving", "batch", str(prompts), str(tmp_path / "out.parquet"), env=env)
    assert done.returncode == 0, done.stderr
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.column_names == ["id", "prompt", "answer", "tokens", "error"]
    assert all(f"question {i}" in a for i, a in enumerate(found["answer"].to_pylist()))
    assert not (tmp_path / "out.parquet.parts").exists()


def test_a_job_that_was_cut_off_goes_on(home, echo_url, prompts, tmp_path, monkeypatch) -> None:
    target = tmp_path / "out.parquet"
    calls, real = [], batch.score

    def fails_later(texts, *rest):
        calls.append(texts[0])
        if len(calls) == 2:
            raise EngineFailed("the engine is gone", "python -m serving up")
        return real(texts, *rest)

    monkeypatch.setattr(batch, "score", fails_later)
    with pytest.raises(EngineFailed):
        batch.run(prompts, target, "local", echo_url, 8, 4)
    assert not target.exists()
    result = batch.run(prompts, target, "local", echo_url, 8, 4)
    assert result["parts_done_before"] == 1 and calls == ["question 0", "question 32", "question 32", "question 64"]
    assert len(answers(target)) == 70


def test_parts_of_another_job_are_not_mixed_in(home, echo_url, prompts, tmp_path) -> None:
    table, _ = batch.prepare(prompts, tmp_path / "out.parquet", {"model": "echo", "max_tokens": 8})
    assert table.num_rows == 70
    with pytest.raises(BadInput, match="another job"):
        batch.run(prompts, tmp_path / "out.parquet", "local", echo_url, 16, 4)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"text": ["a"]}, "no text column `prompt`"),
        ({"prompt": [1]}, "no text column `prompt`"),
        ({"prompt": ["a", None]}, "1 prompts are null"),
    ],
)
def test_wrong_input_is_named(home, echo_url, tmp_path, table, says) -> None:
    pq.write_table(pa.table(table), tmp_path / "in.parquet")
    with pytest.raises(BadInput, match=says):
        batch.run(tmp_path / "in.parquet", tmp_path / "out.parquet", "local", echo_url, 8, 4)


def test_a_file_that_is_no_parquet_is_named(home, echo_url, tmp_path) -> None:
    (tmp_path / "in.csv").write_text("prompt\na\n")
    done = run_cli(
        "serving", "batch", str(tmp_path / "in.csv"), str(tmp_path / "out.parquet"), env={"LLM_URL": echo_url}
    )
    assert done.returncode == 2 and "a Parquet file with a text column" in done.stderr


def test_no_rows_is_a_result_too(home, echo_url, tmp_path) -> None:
    pq.write_table(pa.table({"prompt": pa.array([], pa.string())}), tmp_path / "in.parquet")
    batch.run(tmp_path / "in.parquet", tmp_path / "out.parquet", "local", echo_url, 8, 4)
    assert answers(tmp_path / "out.parquet") == []


def test_a_file_that_pandas_wrote_is_read(home, echo_url, tmp_path) -> None:
    import pandas as pd

    pd.DataFrame({"prompt": ["a", "b"]}).to_parquet(tmp_path / "in.parquet")
    batch.run(tmp_path / "in.parquet", tmp_path / "out.parquet", "local", echo_url, 8, 4)
    assert len(answers(tmp_path / "out.parquet")) == 2


def test_the_result_of_an_earlier_run_is_refused_before_any_work(home, echo_url, prompts, tmp_path) -> None:
    batch.run(prompts, tmp_path / "out.parquet", "local", echo_url, 8, 4)
    with pytest.raises(BadInput, match="has a column answer"):
        batch.run(tmp_path / "out.parquet", tmp_path / "again.parquet", "local", echo_url, 8, 4)


def test_a_target_that_cannot_be_written_is_refused_before_any_work(home, echo_url, prompts, tmp_path) -> None:
    for target in (tmp_path, tmp_path / "nowhere" / "out.parquet"):
        with pytest.raises(BadInput, match="folder"):
            batch.run(prompts, target, "local", echo_url, 8, 4)


def test_a_prompt_that_the_engine_refuses_is_a_row_and_a_wrong_key_is_not(key, echo, prompts, tmp_path) -> None:
    from common.llm import LLM
    from serving import server

    server.up(echo.model_copy(update={"max_body_kib": 1}))
    url = f"{server.url_of(echo)}/v1"
    found = batch.score(["short", "long " * 1000], LLM(url), 8, 2)
    assert found["answer"][0] and found["answer"][1] is None and "1 KiB" in found["error"][1]
    with pytest.raises(EngineFailed, match="401"):
        batch.score(["short"], LLM(url, "echo", key="wrong"), 8, 1)


@pytest.mark.slow
def test_ray_gives_the_same_answers_on_a_local_cluster(home, echo_url, prompts, tmp_path) -> None:
    batch.run(prompts, tmp_path / "local.parquet", "local", echo_url, 8, 4)
    done = run_cli(
        "serving", "batch", str(prompts), str(tmp_path / "ray.parquet"), "--engine", "ray", "--max-tokens", "8",
        env={"LLM_URL": echo_url},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert answers(tmp_path / "ray.parquet") == answers(tmp_path / "local.parquet")
