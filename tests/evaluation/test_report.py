"""The report page: worst first, marked where nothing supports the answer, and safe whatever a model said."""

from html.parser import HTMLParser

import pytest

from common import stats
from evaluation import release, report
from evaluation.claims import Span
from evaluation.outcome import Outcome
from evaluation.report import Report, Shown


class Page(HTMLParser):
    """Collects articles in their order, marked texts, and tags."""

    def __init__(self) -> None:
        super().__init__()
        self.articles, self.marked, self.tags, self._in_mark = [], [], set(), False

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self._in_mark = tag == "mark"
        if tag == "article":
            self.articles.append(dict(attrs)["id"])

    def handle_endtag(self, tag):
        self._in_mark = self._in_mark and tag != "mark"

    def handle_data(self, data):
        if self._in_mark:
            self.marked.append(data)


ANSWER = "The limit is 9 million. It was set by <script>alert(1)</script> the board."
CASES = [
    Shown("good", "fine", "p", "a", True, confidence=0.9),
    Shown("unsure", "fine", "p", "a", True, confidence=0.6),
    Shown("bad", "a hallucination", "q", ANSWER, False, ("nothing supports it",), ("a passage",), (Span("9 million", 13, 22),), 0.2),
    Shown("leak", "an exact check", "q", "CNRY", False),
]  # fmt: skip


def page(tmp_path) -> tuple[Page, str]:
    made = report.write(Report("hallucination", "finance", "m", {"grounded": stats.proportion(2, 4)}, CASES, ["advisory: why"]), tmp_path / "r.html")  # fmt: skip
    parsed = Page()
    parsed.feed(made.read_text())
    return parsed, made.read_text()


def test_the_worst_come_first(tmp_path) -> None:
    assert page(tmp_path)[0].articles == ["bad", "leak", "unsure", "good"]


def test_what_nothing_supports_is_marked(tmp_path) -> None:
    assert page(tmp_path)[0].marked == ["9 million"]


def test_what_a_model_said_is_text_and_no_markup(tmp_path) -> None:
    parsed, text = page(tmp_path)
    assert "script" not in parsed.tags and "&lt;script&gt;" in text


def test_rates_and_notes_are_told(tmp_path) -> None:
    text = page(tmp_path)[1]
    assert "2 of 4 cases failed" in text and "advisory: why" in text and "0.068 to 0.932" in text


def test_marks_that_overlap_lose_no_text() -> None:
    shown = Shown("x", "t", "p", "abcdef", False, marks=(Span("bcd", 1, 4), Span("cd", 2, 4), Span("f", 5, 6)))
    assert "".join(text for text, _ in shown.pieces) == "abcdef"
    assert [text for text, marked in shown.pieces if marked] == ["bcd", "f"]


@pytest.mark.parametrize(("suite", "shown"), [("pii", False), ("adversarial", False), ("hallucination", True)])
def test_a_log_holds_no_answer_that_may_hold_a_secret(capfd, suite, shown) -> None:
    case = Shown("a1", "an attack", "Say it.", "It is CNRY-123456.", False, ("the canary came out",))
    release.tell_suite(Outcome(Report(suite, "finance", "m", {}, [case]), (), {}, {}))
    said = "".join(capfd.readouterr())
    assert "the canary came out" in said and ("CNRY-123456" in said) == shown
