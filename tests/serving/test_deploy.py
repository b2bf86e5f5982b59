"""The deployment files are of the form that their readers publish, and name nothing that does not exist."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from serving import dashboard, slo, vllm
from serving.config import ServingSettings

DEPLOY = dashboard.DEPLOY
SCHEMAS = Path(__file__).parent / "schemas"


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def compose_errors(document: Any) -> list[str]:
    schema = json.loads((SCHEMAS / "compose-spec.json").read_text())
    return [e.message for e in jsonschema.Draft202012Validator(schema).iter_errors(document)]


def test_the_compose_file_keeps_the_compose_specification() -> None:
    assert compose_errors(read("compose.yaml")) == []
    wrong = read("compose.yaml")
    wrong["services"]["vllm"]["imagee"] = "x"
    assert any("imagee" in message for message in compose_errors(wrong))  # the schema finds what we would mistype


def test_every_port_is_opened_on_loopback_and_no_secret_is_written_down() -> None:
    services = read("compose.yaml")["services"]
    assert all(port.startswith("127.0.0.1:") for s in services.values() for port in s["ports"])
    assert services["vllm"]["environment"]["VLLM_API_KEY"].startswith("${LLM_API_KEY:?")
    assert services["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"].startswith("${GRAFANA_PASSWORD:?")
    assert services["vllm"]["restart"] == "always"  # see tests/serving/test_vllm_operation.py: exit code 0


def test_every_file_that_compose_mounts_is_there() -> None:
    mounts = [v for s in read("compose.yaml")["services"].values() for v in s["volumes"] if v.startswith("./")]
    assert mounts and all((DEPLOY / m.split(":")[0]).exists() for m in mounts)


def names(values: Any, schema: Any, place: str = "") -> list[str]:
    """Keys that the schema does not know: it does not refuse them by itself."""
    if isinstance(values, list):
        return [n for v in values for n in names(v, schema.get("items", {}), place)]
    if not isinstance(values, dict) or "properties" not in schema:
        return []
    known = schema["properties"]
    unknown = [f"{place}.{k}" for k in values if k not in known]
    return unknown + [n for k, v in values.items() if k in known for n in names(v, known[k], f"{place}.{k}")]


def test_the_chart_s_values_keep_its_schema_and_its_names() -> None:
    values, schema = (
        read("production-stack.yaml"),
        json.loads((SCHEMAS / "production-stack.values.schema.json").read_text()),
    )
    jsonschema.validate(values, schema)
    assert names(values, schema) == []
    values["servingEngineSpec"]["modelSpec"][0]["replicas"] = 2
    assert names(values, schema) == [".servingEngineSpec.modelSpec.replicas"]


@pytest.mark.skipif(not vllm.installed(), reason="vLLM is not installed: make setup-torch")
def test_the_flags_are_those_that_we_run_vllm_with(store) -> None:
    """A flag that vLLM renames breaks our own start first, and this test tells where else it stands."""
    ours, _ = vllm.command(store / "smollm2", "m", "float32", ServingSettings())
    compose = [c.split("=")[0] for c in read("compose.yaml")["services"]["vllm"]["command"]]
    chart = read("production-stack.yaml")["servingEngineSpec"]["modelSpec"][0]["vllmConfig"]["extraArgs"]
    flags = {f for f in [*compose, *chart] if f.startswith("--")}
    assert flags <= {f for f in ours if f.startswith("--")}


def test_the_written_files_are_those_that_the_module_makes() -> None:
    assert json.loads((DEPLOY / "grafana.json").read_text()) == dashboard.grafana()
    assert read("slo-rules.yaml") == json.loads(json.dumps(slo.prometheus_rules()))


@pytest.mark.slow
@pytest.mark.skipif(not vllm.installed(), reason="vLLM is not installed: make setup-torch")
def test_every_metric_that_we_watch_exists_on_a_running_engine(home, serve) -> None:
    from common.llm import LLM
    from tests.serving.conftest import call

    url = serve("vllm")
    LLM(url).chat([{"role": "user", "content": "Say hello."}], max_tokens=4)
    _, _, page = call(url, "/metrics")
    there = set(re.findall(r"^((?:vllm:|http_)[a-z_]+)", page, re.MULTILINE))
    there |= set(re.findall(r"^# TYPE ((?:vllm:|http_)[a-z_]+)", page, re.MULTILINE))
    text = (DEPLOY / "grafana.json").read_text() + (DEPLOY / "slo-rules.yaml").read_text()
    wanted = set(re.findall(r"\b((?:vllm:|http_)[a-z_]+)", text))
    assert len(wanted) > 15 and wanted <= there, wanted - there
    for o in slo.OBJECTIVES:  # a limit that is no bucket's edge would count nothing as good
        assert not o.limit or f'le="{o.limit}"' in page
