import json
import math

from serving import server, slo
from tests.conftest import run_cli

PAGE = """# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{le="1.0",model_name="m"} 80.0
vllm:time_to_first_token_seconds_bucket{le="2.5",model_name="m"} 90.0
vllm:time_to_first_token_seconds_bucket{le="+Inf",model_name="m"} 100.0
vllm:time_to_first_token_seconds_count{model_name="m"} 100.0
vllm:time_to_first_token_seconds_sum{model_name="m"} 1.0
# TYPE http_requests_total counter
http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"} 99.0
http_requests_total{handler="/v1/chat/completions",method="POST",status="5xx"} 1.0
http_requests_total{handler="/health",method="GET",status="2xx"} 5000.0
"""


def counted(at: float, good: float, total: float) -> dict:
    return {"at": at, "counts": {o.name: [good, total] for o in slo.OBJECTIVES}}


def test_good_and_all_are_read_out_of_metrics() -> None:
    found = slo.sample(PAGE, at=1.0)["counts"]
    assert found["first token"] == [90, 100]
    assert found["no server error"] == [99, 100]  # health checks are not requests
    assert found["reading speed"] == [0, 0]


def test_an_engine_without_histograms_has_no_sample() -> None:
    assert slo.sample("# TYPE llamacpp:n_decode_total counter\nllamacpp:n_decode_total 3\n") == {}


def test_burn_is_the_bad_share_over_the_share_that_may_be_bad() -> None:
    assert math.isclose(slo.burn(90, 100, 0.95), 2.0) and slo.burn(100, 100, 0.95) == 0
    assert math.isnan(slo.burn(0, 0, 0.95))


def test_a_window_counts_only_what_fell_into_it() -> None:
    samples = [counted(0, 100, 100), counted(1000, 150, 200), counted(1100, 160, 240)]
    assert slo.between(samples, 150, 1100)["first token"] == (60, 140)
    assert slo.between(samples, 10_000, 1100)["first token"] == (160, 240)


def test_a_restart_begins_the_counters_again_and_loses_nothing() -> None:
    samples = [counted(0, 100, 100), counted(50, 190, 200), counted(100, 5, 10)]
    assert slo.between(samples, 75, 100)["first token"] == (95, 110)


def test_an_alert_wants_a_long_and_a_short_window() -> None:
    now = 10_000.0
    old = [counted(now - 3500, 0, 1000), counted(now - 2000, 0, 2000), counted(now, 50, 2050)]
    fresh = [counted(now - 3500, 0, 1000), counted(now - 200, 0, 2000), counted(now, 0, 2050)]
    assert not any(row["alert"] for row in slo.page(old, now))  # it is over: the last minutes were good
    assert all(row["alert"] for row in slo.page(fresh, now))


def test_the_page_has_a_row_an_objective_and_marks_alerts(tmp_path) -> None:
    now = 10_000.0
    rows = slo.page([counted(now - 3500, 0, 1000), counted(now - 100, 0, 2000)], now)
    text = slo.write_page(rows, tmp_path / "slo.html").read_text()
    assert text.count("<tr") == 1 + len(slo.OBJECTIVES) and 'class="alert"' in text


def test_without_an_engine_the_command_says_what_to_start(echo) -> None:
    server.up(echo)
    done = run_cli("serving", "slo", env={"SERVING_PORT": str(echo.port)})
    assert done.returncode == 2 and "ENGINE=vllm python -m serving up" in done.stderr


def test_the_rules_for_prometheus_hold_the_same_objectives() -> None:
    import yaml

    from common.settings import ROOT

    text = (ROOT / "serving" / "deploy" / "slo-rules.yaml").read_text()
    assert yaml.safe_load(text) == json.loads(json.dumps(slo.prometheus_rules()))
