"""Writing the world to a file that other programs read: whole or not at all, readable by its owner only."""

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


class StateFile:
    """A file that always holds the latest state; it is removed when the simulator ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = ""

    def write(self, state: dict[str, Any]) -> None:
        """Replace the file, mode 0600, unless it says the same already."""
        text = json.dumps(state, ensure_ascii=False, indent=2) + "\n"
        if text == self._written:
            return
        # mkstemp makes the file with mode 0600.
        handle, temporary = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).replace(self._path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._written = text

    def remove(self) -> None:
        """Remove the file: the address in it is dead."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
