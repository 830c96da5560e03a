"""Ledgers: what one side has seen, one JSON object a line, added to and never changed."""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Ledger:
    """One ledger in a file. Any thread may write; each record has `at`, seconds since the epoch."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")

    def write(self, what: str, **values: Any) -> None:
        """Add a record; it is with the operating system when this returns."""
        line = json.dumps({"what": what, "at": round(time.time(), 4), **values}, ensure_ascii=False)
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()

    def read(self) -> list[Record]:
        """Return all records, the oldest first."""
        with self._lock:
            return read_records(self.path)

    def close(self) -> None:
        """Have it on disk, and write no more; it can still be read."""
        with self._lock:
            if not self._file.closed:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()


def read_records(path: Path) -> list[Record]:
    """Return the records of a ledger's file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
