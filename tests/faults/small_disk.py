"""A file system in memory that can be filled up and freed; needs root."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.faults.outcome import Skipped
from tests.faults.servers import Note

_CHUNK = b"\0" * (1 << 16)


class SmallDisk:
    """A tmpfs of so many megabytes, mounted on a folder of its own. Raises Skipped where it cannot be."""

    def __init__(self, *, megabytes: int, note: Note) -> None:
        if os.geteuid() != 0 or shutil.which("mount") is None:
            raise Skipped("needs root, to mount a small file system")
        self._note = note
        self.folder = Path(tempfile.mkdtemp(prefix="isv-portal-disk-"))
        self._ballast = self.folder / "ballast"
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(self.folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode:
            self.folder.rmdir()
            raise Skipped(f"needs to mount a small file system: {mounted.stderr.strip()}")

    def fill(self) -> None:
        """Leave no room."""
        self._note("the disk of the database is full")
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as ballast:
            while True:
                ballast.write(_CHUNK)

    def free(self) -> None:
        """Make room again."""
        self._note("the disk of the database has room again")
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount it, with all that is on it."""
        subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)
        self.folder.rmdir()
