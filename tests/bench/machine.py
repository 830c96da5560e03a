"""What the figures depend on: the machine, and how fast its disk makes a commit durable."""

import os
import platform
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

_SYNCS = 200
_PAGE = b"x" * 8192


def describe_machine(folder: Path) -> dict[str, Any]:
    """
    Return what a reader needs to judge the figures.

    `load_before`: what already ran. `fdatasync_ms`: how long a page takes to the disk of the database.
    """
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "fdatasync_ms": round(_fdatasync_ms(folder), 3),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _fdatasync_ms(folder: Path) -> float:
    # macOS has no fdatasync.
    sync = getattr(os, "fdatasync", os.fsync)
    with tempfile.TemporaryFile(dir=folder) as file:
        times = []
        for _ in range(_SYNCS):
            started = time.perf_counter()
            os.write(file.fileno(), _PAGE)
            sync(file.fileno())
            times.append(time.perf_counter() - started)
    return 1000 * median(times)
