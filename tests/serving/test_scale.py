import pytest

from serving import scale
from serving.config import ServingSettings


def seen(*hows: str) -> list[scale.Seen]:
    return [scale.Seen(float(i), i + 1.5, i % 2 == 0, how, 1) for i, how in enumerate(hows)]


def test_lost_and_broken_are_counted_apart() -> None:
    found = scale.report(seen("whole", "lost", "broken", "whole"), seen("whole", "lost"), "echo", 1, True, 2, 2.0)
    assert (found["requests"], found["whole"], found["lost before the first token"]) == (4, 2, 1)
    assert found["broken in mid-stream"] == 1 and found["retried by the router"] == 2
    assert (
        found["failed after the return"] == 1
        and found["of these at risk"] == 3
        and found["lost rate"].startswith("0.333 [")
    )


@pytest.mark.slow
def test_a_replica_is_killed_under_load_and_no_request_is_lost_that_had_not_begun(home) -> None:
    found = scale.run(ServingSettings(ENGINE="llamacpp"), streams=6, seconds=9)
    assert found["lost before the first token"] == 0 and found["requests"] >= 12
    assert found["broken in mid-stream"] <= 6  # at most what the killed replica was saying
    assert found["restarts"] == 1 and found["replica serves again"] and found["failed after the return"] == 0
