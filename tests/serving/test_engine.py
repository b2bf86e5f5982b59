import pytest

from common.errors import BadInput, NotReady
from serving import engine
from serving.config import ServingSettings


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
    monkeypatch.setattr(engine, "cpu_flags", lambda: frozenset(flags))
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
