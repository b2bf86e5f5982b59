import os
import signal
import subprocess
import sys
import threading

import pytest

from agents.ledger import Ledger, move_once
from common.errors import Refused


class Alias:
    """A place that can be moved, and counts how often it was."""

    def __init__(self, place: str = "1"):
        self.place, self.moves = place, 0

    def where(self) -> str:
        return self.place

    def move(self, target: str) -> None:
        self.place, self.moves = target, self.moves + 1


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


def test_the_second_call_moves_nothing(ledger) -> None:
    alias = Alias()
    first, moved = move_once(ledger, "k", "2", "ann", alias.where, alias.move)
    again, moved_again = move_once(ledger, "k", "2", "bob", alias.where, alias.move)
    assert moved and not moved_again and alias.moves == 1
    assert again == first and again.approver == "ann" and again.done_at


def test_killed_before_the_move_it_is_made_later(ledger) -> None:
    alias = Alias()
    ledger.intend("k", "1", "2", "ann")
    entry, moved = move_once(ledger, "k", "2", "ann", alias.where, alias.move)
    assert moved and alias.moves == 1 and entry.done_at


def test_killed_after_the_move_it_is_not_made_again(ledger) -> None:
    alias = Alias("2")
    ledger.intend("k", "1", "2", "ann")
    entry, moved = move_once(ledger, "k", "2", "ann", alias.where, alias.move)
    assert not moved and alias.moves == 0 and entry.done_at


def test_somebody_else_s_move_is_not_overwritten(ledger) -> None:
    alias = Alias("7")
    ledger.intend("k", "1", "2", "ann")
    with pytest.raises(Refused, match="neither at 1 nor at 2"):
        move_once(ledger, "k", "2", "ann", alias.where, alias.move)
    assert alias.place == "7" and ledger.entry("k").done_at is None


def test_two_at_once_write_one_intent(tmp_path) -> None:
    seen = []

    def intend(target: str) -> None:
        seen.append(Ledger(tmp_path / "l.db").intend("k", "1", target, target))

    Ledger(tmp_path / "l.db")
    threads = [threading.Thread(target=intend, args=(str(n),)) for n in range(2, 10)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert len({e.target for e in seen}) == 1 and len(Ledger(tmp_path / "l.db").entries()) == 1


def test_an_intent_survives_kill_9(tmp_path) -> None:
    script = f"from agents.ledger import Ledger; import os, signal; Ledger(__import__('pathlib').Path({str(tmp_path / 'l.db')!r})).intend('k', '1', '2', 'ann'); os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", script], env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert Ledger(tmp_path / "l.db").entry("k").target == "2"
