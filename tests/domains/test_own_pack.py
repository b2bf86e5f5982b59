"""A pack of the user's own, by its path: champion, monitor and agent work on its data and not on the kit's."""

import json
import shutil

import pytest

from domains.pack import HERE
from tests.conftest import run_cli


@pytest.mark.slow
def test_a_copied_and_renamed_pack_goes_through_the_rooms(home, tmp_path) -> None:
    folder = shutil.copytree(HERE / "finance", tmp_path / "my-pack")
    text = (
        (folder / "pack.toml")
        .read_text()
        .replace('name = "finance"', 'name = "mine"')
        .replace("finance-large-move", "mine-large-move")
    )
    (folder / "pack.toml").write_text(text.replace('from = "1987-01-01"', 'from = "2006-01-01"'))
    env = {
        "DOMAIN": str(folder),
        "APPROVE": "yes",
        "LLM_URL": "http://127.0.0.1:9/v1",
        "RESAMPLES": "200",
        "HTML_FOR": "none",
    }
    for command in (
        ["domains", "check", str(folder)],
        ["optimization", "champion", "--alias", "champion"],
        ["monitoring", "demo"],
    ):
        done = run_cli(*command, env=env)
        assert done.returncode == 0, done.stderr
    done = run_cli("agents", "demo", "--json", env=env)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["incident"].startswith("mine-2008-v1-") and told["outcome"]["status"] == "promoted"
    done = run_cli("optimization", "champion", "--alias", "champion", env=env)
    assert done.returncode == 2 and "version 2 is champion" in done.stderr  # an approval is not undone in passing
