"""The ledger of actions: an approved action takes effect exactly once, also under `kill -9`.

The effect (a registry alias) and the ledger are two stores, so one transaction cannot span them. Instead the ledger
holds the *intent* before the effect (key, from which version to which), the effect is a move to a fixed target, and the
row is marked done after it. A process that died in between left an intent; the next one looks where the alias is:

    still at the old version   the move did not happen: make it
    at the target              it happened: mark it done
    anywhere else              somebody moved it since: refuse, a person must look

The key is the incident and the action, not the checkpoint: a forked or repeated graph finds the same row.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from common.contracts import now
from common.errors import Refused

TABLE = """create table if not exists ledger (
    key text primary key, source text not null, target text not null, approver text not null,
    intended_at text not null, done_at text)"""


@dataclass(frozen=True)
class Entry:
    """One action: from which version to which, by whom, and whether it has taken effect."""

    key: str
    source: str
    target: str
    approver: str
    intended_at: str
    done_at: str | None


class Ledger:
    """A table in SQLite; `synchronous=full` and rollback journal, so that a committed row survives a power cut."""

    def __init__(self, file: Path):
        self._file = file
        with self._transaction() as db:
            db.execute(TABLE)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=30, isolation_level=None)) as db:
            db.execute("pragma synchronous=full")
            db.execute("begin immediate")
            try:
                yield db
            except BaseException:
                db.execute("rollback")
                raise
            db.execute("commit")

    def entry(self, key: str) -> Entry | None:
        """The row of a key."""
        with self._transaction() as db:
            row = db.execute("select * from ledger where key = ?", (key,)).fetchone()
        return Entry(*row) if row else None

    def entries(self) -> list[Entry]:
        """All rows, oldest first."""
        with self._transaction() as db:
            return [Entry(*row) for row in db.execute("select * from ledger order by intended_at")]

    def intend(self, key: str, source: str, target: str, approver: str) -> Entry:
        """Write the intent, once: a second call with the same key returns the first call's row."""
        with self._transaction() as db:
            db.execute(
                "insert or ignore into ledger values (?, ?, ?, ?, ?, null)",
                (key, source, target, approver, now().isoformat()),
            )
            row = db.execute("select * from ledger where key = ?", (key,)).fetchone()
        return Entry(*row)

    def finish(self, key: str) -> None:
        """Mark the effect as done; the first mark stays."""
        with self._transaction() as db:
            db.execute("update ledger set done_at = ? where key = ? and done_at is null", (now().isoformat(), key))


def move_once(
    ledger: Ledger, key: str, target: str, approver: str, where: Callable[[], str], move: Callable[[str], None]
) -> tuple[Entry, bool]:
    """Move something to `target` exactly once. `where()` tells its place now, `move(target)` moves it.

    Returns (the ledger's entry, whether this call moved it). Raises Refused where somebody else moved it in between.
    """
    entry = ledger.intend(key, where(), target, approver)
    if entry.done_at:
        return entry, False
    place = where()
    if place not in (entry.source, entry.target):
        raise Refused(
            f"{key}: the alias is at {place}, neither at {entry.source} nor at {entry.target}",
            "look who moved it: python -m agents ledger",
        )
    moved = place != entry.target
    if moved:
        move(entry.target)
    ledger.finish(key)
    return ledger.entry(key) or entry, moved
