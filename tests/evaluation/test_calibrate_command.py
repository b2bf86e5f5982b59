"""`python -m evaluation calibrate`: the page, the card, and bad input."""

import json
from pathlib import Path

from evaluation.calibrate import load_card
from tests.conftest import run_cli

TEXT = "The desk of {n} holds {k} bonds and reports to the board in March."


def labelled(path: Path, n: int = 80) -> Path:
    """Claims that overlap with their context, and claims that do not."""
    rows = []
    for i in range(n):
        context = TEXT.format(n=f"House {i}", k=i + 3)
        for grounded, claim in ((1, f"House {i} holds {i + 3} bonds."), (0, "Employees enjoy yoga under palms.")):
            rows.append(
                {
                    "source": f"s{i % 2}",
                    "group": str(i),
                    "context": context,
                    "claim": claim,
                    "grounded": grounded,
                    "domain": "finance",
                }
            )
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_a_card_and_a_page_are_written_and_the_judge_is_admitted(home, tmp_path) -> None:
    data, page = labelled(tmp_path / "l.jsonl", 220), tmp_path / "pages"
    done = run_cli(
        "evaluation", "calibrate", "--judge", "token-overlap", "--data", str(data), "--page", str(page), "--json"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    card = load_card(Path(found["card"]))
    assert card.admission("finance").may_block and not card.admission("climate").may_block
    text = Path(found["page"]).read_text()
    assert "May block on finance" in text and (page / "token-overlap.png").exists()


def test_few_of_each_source_is_the_same_few_in_every_process(tmp_path) -> None:
    from evaluation.labelled import few, read

    claims = read(labelled(tmp_path / "l.jsonl"))
    some = few(claims, 10)
    assert len(some) == 20 and len({c.group for c in some}) == 10 and set(some) == set(few(claims[::-1], 10))
    assert few(claims, 0) == claims
    assert len(few(claims, 9)) == 18  # of a document that holds more than are wanted still, a part


def test_bad_input_is_told(home, tmp_path) -> None:
    file = tmp_path / "l.jsonl"
    file.write_text('{"source": "s", "claim": "x"}\n')
    done = run_cli("evaluation", "calibrate", "--data", str(file))
    assert done.returncode == 2 and "JSON lines with source" in done.stderr, done.stderr
    assert not (home / "evaluation").exists() and not (home / "reports").exists()  # nothing is half-written
