import json

import pytest

from common.errors import BadInput, NotReady
from serving import engine
from serving.config import ServingSettings
from tests.conftest import forget


def test_echo_says_that_it_is_a_fake() -> None:
    assert "fake" in engine.choose(ServingSettings(ENGINE="echo")).reason


def test_every_choice_is_printed_with_its_reason() -> None:
    for name in ("auto", "echo", "llamacpp"):
        text = str(engine.choose(ServingSettings(ENGINE=name)))
        assert text.startswith("engine: ") and "threads" in text and "(" in text


def test_without_vllm_auto_falls_back_and_vllm_asks_for_setup(monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(engine.environments.FOLDERS, "torch", tmp_path)
    choice = engine.choose(ServingSettings(ENGINE="auto"))
    assert choice.engine == "llamacpp" and "not installed" in choice.reason
    with pytest.raises(NotReady, match="vLLM is not installed") as caught:
        engine.choose(ServingSettings(ENGINE="vllm"))
    assert "setup-torch" in caught.value.mend


@pytest.mark.parametrize(
    ("flags", "precision"), [({"avx2"}, "float32"), ({"avx2", "avx512_bf16"}, "bfloat16"), ({"amx_bf16"}, "bfloat16")]
)
def test_precision_follows_the_processor(monkeypatch, flags, precision) -> None:
    monkeypatch.setattr(engine.vllm, "cpu_flags", lambda: frozenset(flags))
    monkeypatch.setattr(engine.environments, "has_gpu", lambda: False)
    monkeypatch.setattr(engine.vllm, "installed", lambda: True)
    choice = engine.choose(ServingSettings(ENGINE="auto"))
    assert choice.precision == precision and "no GPU found" in choice.reason


def test_commands_bind_loopback_and_use_no_shell(store) -> None:
    for name in ("echo", "llamacpp", "vllm"):
        s = ServingSettings(ENGINE=name)
        try:
            arguments, environment = engine.command(engine.choose(s), s)
        except NotReady as reason:
            pytest.skip(str(reason))
        assert isinstance(arguments, list) and "8711" in arguments
        assert name != "vllm" or "127.0.0.1" in arguments
        assert "PYTHONPATH" not in environment


def test_a_model_in_the_wrong_format_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(engine.vllm, "installed", lambda: True)
    for name, says in (("llamacpp", "no GGUF file"), ("vllm", "no config.json")):
        s = ServingSettings(ENGINE=name, MODEL=str(tmp_path))
        with pytest.raises(BadInput, match=says):
            engine.command(engine.choose(s), s)


W4A16 = {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 4}}}}


@pytest.mark.parametrize(
    ("quantization", "flags", "refused"),
    [
        (W4A16, {"avx2"}, True),
        (W4A16, {"avx2", "avx512f"}, False),
        ({"quant_method": "gptq", "bits": 4}, {"avx2"}, True),
        ({"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": 8}}}}, {"avx2"}, False),
        (None, {"avx2"}, False),
    ],
)
def test_four_bit_weights_are_refused_where_vllm_has_no_kernel(
    tmp_path, monkeypatch, quantization, flags, refused
) -> None:
    """Without this, the start succeeds and the first request brings the engine down."""
    (tmp_path / "config.json").write_text(json.dumps({"quantization_config": quantization}))
    (tmp_path / "model.safetensors").touch()
    monkeypatch.setattr(engine.vllm, "cpu_flags", lambda: frozenset(flags))
    monkeypatch.setattr(engine.environments, "has_gpu", lambda: False)
    if refused:
        with pytest.raises(BadInput, match="AVX-512"):
            engine.vllm.command(tmp_path, "m", "float32", ServingSettings())
    else:
        assert engine.vllm.command(tmp_path, "m", "float32", ServingSettings())[0]


def test_adapters_and_encoders_want_vllm(store) -> None:
    if not (store / "smollm2-gguf").exists():
        pytest.skip("the store has no smollm2-gguf: make setup")
    for setting in ({"LORA": "a=b"}, {"TASK": "embed"}):
        s = ServingSettings(ENGINE="llamacpp", MODEL=str(store / "smollm2-gguf"), **setting)
        with pytest.raises(BadInput, match="needs vLLM"):
            engine.command(engine.choose(s), s)


def test_an_adapter_that_is_none_is_named(tmp_path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(BadInput, match="is not name=folder"):
        engine.vllm.command(tmp_path, "m", "float32", ServingSettings(LORA=f"legal={tmp_path}"))


def test_a_remote_endpoint_is_asked_and_never_started(home, echo_url, monkeypatch) -> None:
    from serving import server

    monkeypatch.setenv("LLM_URL", echo_url)
    forget()
    s = ServingSettings(ENGINE="remote")
    state, started = server.up(s)
    assert not started and state["model"] == "echo" and state["url"] == echo_url
    assert not server.down(s)


def test_a_remote_endpoint_that_does_not_answer_is_named(home, monkeypatch) -> None:
    from serving import server

    monkeypatch.setenv("LLM_URL", "http://127.0.0.1:9/v1")
    forget()
    with pytest.raises(NotReady, match="no LLM answers at http"):
        server.up(ServingSettings(ENGINE="remote"))


def test_weights_that_could_run_code_are_refused(tmp_path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").touch()
    with pytest.raises(BadInput, match="pickles"):
        engine.vllm.command(tmp_path, "m", "float32", ServingSettings())


def test_compiling_is_asked_for(store) -> None:
    if not (store / "smollm2").exists():
        pytest.skip("the store has no smollm2: make setup-torch")
    eager, here = engine.vllm.command(store / "smollm2", "m", "float32", ServingSettings())
    compiled, there = engine.vllm.command(store / "smollm2", "m", "float32", ServingSettings(COMPILE="yes"))
    if "--block-size" not in eager:
        pytest.skip("a GPU build compiles by itself")
    assert "--enforce-eager" in eager and "TORCHDYNAMO_DISABLE" in here
    assert "--enforce-eager" not in compiled and "TORCHDYNAMO_DISABLE" not in there
