"""The contrast sets that the kit ships: claims which a judge that counts words gets wrong."""

import numpy as np
import pytest

from common.encoder import minilm
from evaluation import labelled
from evaluation.baselines import untrained
from evaluation.bench import CONTRASTS, auroc
from evaluation.calibrate import calibrate


@pytest.fixture(scope="module")
def claims():
    return labelled.read(CONTRASTS)


def test_every_kind_has_hundreds_and_half_of_them_hold(claims) -> None:
    kinds = {c.source for c in claims}
    assert len(kinds) == 8
    for kind in kinds:
        held = [c.grounded for c in claims if c.source == kind]
        assert len(held) > 300 and 0.4 < np.mean(held) < 0.6, kind
    assert len({(c.passages, c.question, c.text) for c in claims}) == len(claims)
    assert {c.domain for c in claims} == {"contrast sets"}
    assert CONTRASTS.stat().st_size < 400_000


def test_words_in_common_mislead_and_a_judge_that_counts_them_is_not_admitted(claims) -> None:
    judge = untrained(minilm)["token-overlap"]()
    assert auroc(judge, claims).high < 0.45
    assert not calibrate(judge, "rule", claims, resamples=50).card.admission("contrast sets").may_block
