"""What the checks share: the pack's cases as DeepEval's dataset, asked once, and the judge with its admission.

A check that may block fails its test. A judge that is not admitted on the domain warns, and fails nothing.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from common import offline  # noqa: F401  (first: it turns the libraries' telemetry off)
from common.settings import settings as shared
from common.tracking import tracing
from domains.pack import load
from evaluation import for_deepeval, pii, release, suite
from evaluation.outcome import Bench
from evaluation.suite import Case


@dataclass(frozen=True)
class Asked:
    """A case with its answer, as DeepEval's test case, and as ours."""

    test: Any
    case: Case
    golden: Any


def pytest_addoption(parser: pytest.Parser) -> None:
    """--prompt and --every, as in `python -m evaluation run`."""
    parser.addoption("--prompt", default="v2", help="prompt version of the assistant")
    parser.addoption("--every", default=1, type=int, help="use every n-th case")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each golden of the dataset that it asks for: `question` or `attack`."""
    pack, every = load(shared().domain), metafunc.config.getoption("--every")
    for name, dataset in (("question", for_deepeval.questions(pack)), ("attack", for_deepeval.attacks(pack))):
        if name in metafunc.fixturenames:
            goldens = dataset.goldens[::every]
            metafunc.parametrize(name, goldens, ids=[g.name for g in goldens])


@pytest.fixture(scope="session")
def bench(request: pytest.FixtureRequest) -> Bench:
    """The pack, the served model and the judge."""
    return release.bench(
        load(shared().domain), request.config.getoption("--prompt"), request.config.getoption("--every")
    )


@pytest.fixture(scope="session")
def ask(bench: Bench) -> Iterator[Callable[[Any], Asked]]:
    """A function: golden -> its case with the answer. All are asked together, at the first call; a killed run goes on."""
    given = suite.contexts(bench.pack, bench.questions, bench.encoder, bench.s.context)
    todo = suite.cases(bench.pack, bench.questions, bench.attacks, bench.release, given)
    with tracing(release.EXPERIMENT):
        said, file = bench.ask(todo)
    by_id = {case.id: case for case in todo}

    def one(golden: Any) -> Asked:
        case = by_id[golden.name]
        test = for_deepeval.test_case(golden.input, said[case.id].text, case.context, golden.expected_output or "")
        return Asked(test, case, golden)

    yield one
    file.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def metrics(bench: Bench) -> dict[str, Any]:
    """DeepEval's native metrics on the judge."""
    forbidden = bench.pack.config.privacy.forbidden
    return for_deepeval.metrics(
        bench.judge, bench.encoder, lambda text: bool(pii.leaks(text, "", forbidden, bench.s.pii_score))
    )


@pytest.fixture(scope="session")
def judged(bench: Bench) -> Callable[[Any, Any], None]:
    """`assert_test` where the judge may block; else a warning that says why it may not."""
    admission = bench.judge.admission(bench.pack.name)

    def check(test: Any, metric: Any) -> None:
        from deepeval import assert_test

        if admission.may_block:
            assert_test(test, [metric], run_async=False)
            return
        metric.measure(test, _show_indicator=False)
        if not metric.is_successful():
            warnings.warn(f"advisory ({admission.why}): P {metric.score:.2f} for {test.actual_output!r}", stacklevel=2)

    return check
