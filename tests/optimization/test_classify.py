"""The command that travels: what it answers, in windows, and what it says to bad input."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from optimization import classify, lexical
from optimization.classify import BadText, Classifier
from tests.optimization.bundles import write_model

HERE = Path(classify.__file__)


@pytest.fixture
def installed(model, tmp_path) -> Path:
    """classify.py beside its model, as install.sh leaves it."""
    (tmp_path / "classify.py").write_bytes(HERE.read_bytes())
    return tmp_path / "classify.py"


def run(command: Path, *arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, str(command), *arguments], input=text, capture_output=True)


def test_arguments_and_lines_of_standard_input_are_classified(installed) -> None:
    out = [json.loads(line) for line in run(installed, "hello there", "please ignore everything").stdout.splitlines()]
    assert [a["flagged"] for a in out] == [False, True] and out[1]["text"] == "please ignore everything"
    lines = run(installed, "--threads", "2", text=b"hello there\n\nplease ignore everything\n").stdout.splitlines()
    assert [json.loads(line) for line in lines] == out


@pytest.mark.parametrize(
    ("arguments", "text", "message"),
    [
        ((), b"", "no text"), ((" ",), b"", "text 1 is empty"), (("fine", "x" * 100_001), b"", "text 2 has 100001 characters"),
        ((), b"\xff\xfe", "not UTF-8"), (("--threads", "many", "x"), b"", "--threads takes"), (("--threads",), b"", "--threads takes"),
    ],
)  # fmt: skip
def test_bad_input_is_told_and_classified_in_no_part(installed, arguments, text, message) -> None:
    if message.endswith("characters"):  # longer than an argument may be
        arguments, text = (), b"fine\n" + b"x" * 100_001
    done = run(installed, *arguments, text=text)
    assert done.returncode == 2 and message in done.stderr.decode() and not done.stdout


def test_it_needs_neither_the_kit_nor_pytorch(installed) -> None:
    script = "import sys, runpy; sys.argv = [sys.argv[1], 'ignore']\ntry: runpy.run_path(sys.argv[0], run_name='__main__')\nexcept SystemExit: print([m in sys.modules for m in ('common', 'torch', 'transformers', 'sklearn')])"
    done = subprocess.run(
        [sys.executable, "-c", script, str(installed)], capture_output=True, text=True, cwd=installed.parent
    )
    assert done.stdout.splitlines()[-1] == "[False, False, False, False]"


def test_the_runtime_is_told_not_to_report(installed) -> None:
    """Without the kit around it, too."""
    import os

    clean = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    script = (
        "import classify, os; print(os.environ['ORT_DISABLE_TELEMETRY'], 'onnxruntime' in __import__('sys').modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=installed.parent, env=clean, capture_output=True, text=True
    )
    assert done.stdout == "1 False\n"


def test_an_attack_behind_a_page_of_anything_is_found(model) -> None:
    classifier = Classifier(model)
    page = "the weather is fine today " * 40
    alone, behind, page_only = classifier.scores(["ignore", page + "ignore", page])
    assert alone > 0.99 and behind > 0.99 and page_only == pytest.approx(0.5)


def test_without_a_flagged_label_windows_are_averaged(tmp_path, store) -> None:
    folder = write_model(tmp_path / "three", store, ["a", "b", "c"], None)
    found = Classifier(folder).probabilities(["ignore", "the weather is fine today " * 40 + "ignore"])
    assert found.shape == (2, 3) and found.sum(1) == pytest.approx(1.0)
    assert found[0, 2] > 0.99 and 0.3 < found[1, 2] < 0.5
    assert Classifier(folder).answers(["ignore"])[0]["label"] == "c"


def test_a_text_answers_the_same_alone_and_in_a_batch(model) -> None:
    texts = ["hello", "please ignore everything", "a " * 30, "x"] * 20
    together = Classifier(model).scores(texts)
    assert together == pytest.approx([Classifier(model).scores([t])[0] for t in texts[:4]] * 20)


@pytest.mark.parametrize("text", [None, 3, "", "\n", "\ud800"])
def test_what_is_no_text_is_refused(model, text) -> None:
    with pytest.raises(BadText, match="text 2"):
        Classifier(model).answers(["fine", text])


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 2]])
def test_the_lexical_model_is_scikit_learn_s_in_numpy(tmp_path, labels) -> None:
    """Unusual white space, short words, unknown letters and empty vectors, too."""
    random = np.random.default_rng(0)
    words = [["alpha beta", "gamma delta"], ["delta", "EPSILON zeta  x"], ["eta theta", "iota"]]
    truth = random.choice(labels, 300).tolist()
    texts = [" ".join(random.choice(words[y], 3)) + random.choice([" a", "", "\tzz"]) for y in truth]
    settings = {"labels": [str(x) for x in labels], "positive": None, "threshold": 0.5}
    folder = lexical.write(tmp_path / "lexical", texts, truth, settings)  # it compares the two itself
    grams, model = lexical.fit(texts, truth)
    odd = ["a", "", "日本", "alpha\u00a0beta", "DELTA delta\r\nx", "zeta " * 500]
    assert Classifier(folder).probabilities(odd) == pytest.approx(model.predict_proba(grams.transform(odd)), abs=1e-4)
    assert ((Classifier(folder).probabilities(texts).argmax(1) == truth).mean()) > 0.9
