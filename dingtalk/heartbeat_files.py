"""
Files that background processes touch while they are well, or have to wait for others.

For whoever watches a process on the same machine: its supervisor, and health checks. A frozen process leaves
its file alone, and so does one that holds up all of its threads.
"""

from math import inf
from pathlib import Path
from time import time

# Without a sign of life for so long a process does nothing, whatever it seems to be doing.
SILENT_SECONDS = 30.0
_FOLDER = "heartbeats"
_FORGOTTEN_SECONDS = 86_400.0


def heartbeat_file(data_dir: Path, kind: str, pid: int) -> Path:
    """Return the path of a process's file."""
    return data_dir / _FOLDER / f"{kind}-{pid}"


def remove_forgotten_files(data_dir: Path, kind: str) -> None:
    """Remove the files of processes that ended long ago."""
    for path in _files(data_dir, kind):
        if _age_seconds(path) > _FORGOTTEN_SECONDS:
            path.unlink(missing_ok=True)


def newest_file_seconds(data_dir: Path, kind: str) -> float | None:
    """Return how long ago a process of this kind on this machine was last well; None: none was seen."""
    return min((_age_seconds(path) for path in _files(data_dir, kind)), default=None)


def _files(data_dir: Path, kind: str) -> list[Path]:
    return list((data_dir / _FOLDER).glob(f"{kind}-*"))


def _age_seconds(path: Path) -> float:
    """Return when it was touched; infinity for one that is gone meanwhile."""
    try:
        return time() - path.stat().st_mtime
    except FileNotFoundError:
        return inf
