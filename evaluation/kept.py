"""Rows that cost time, kept in a file of JSON lines as they come: a run that was killed goes on, and asks nothing twice."""

import json
from pathlib import Path
from threading import Lock
from typing import Any

from common import files


class Kept:
    """Rows by id. A line that a kill cut in half is taken out of the file, and the others stay."""

    def __init__(self, file: Path):
        self.file, self._lock = file, Lock()
        self._rows: dict[str, Any] = {}
        text = file.read_text() if file.exists() else ""
        whole = not text or text.endswith("\n")  # else the next row would be written behind the last one
        for line in text.splitlines():
            try:
                row = json.loads(line)
                self._rows[row["id"]] = row["value"]
            except (ValueError, KeyError, TypeError):
                whole = False
        if not whole:
            files.write_text(file, "".join(self._line(i, v) for i, v in self._rows.items()))

    @staticmethod
    def _line(name: str, value: Any) -> str:
        return json.dumps({"id": name, "value": value}) + "\n"

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, name: str) -> Any:
        return self._rows[name]

    def add(self, name: str, value: Any) -> None:
        """Keep a row; it is on disk when this returns."""
        with self._lock:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a") as out:
                out.write(self._line(name, value))
            self._rows[name] = value
