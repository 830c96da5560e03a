"""The Django app that wraps the functions at which a process can be made to crash (see `crash_points`)."""

import functools
import importlib
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.apps import AppConfig

from tests.faults.crash_points import ALL, CrashFolder, CrashPoint, Moment, armed_file, crashed_file

# An answer that was returned is on its way by then.
SOON_SECONDS = 0.05


class CrashingConfig(AppConfig):
    """Last in the list of apps, so that what it wraps is there."""

    name = "tests.faults.crashing_app"
    label = "crashing"
    path = str(Path(__file__).resolve().parent)

    def ready(self) -> None:
        """Wrap every function that has a crash point."""
        folder = CrashFolder(Path(os.environ["DATA_DIR"])).path
        for point in ALL:
            wrap(point, folder)


def find(point: CrashPoint) -> tuple[Any, str, Callable[..., Any]]:
    """Return the function of a point, after the module or class that has it and its name there."""
    module, _, attribute = point.target.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, name = attribute.split(".")
    for part in outer:
        owner = getattr(owner, part)
    return owner, name, getattr(owner, name)


def wrap(point: CrashPoint, folder: Path) -> None:
    """Put a crash point around its function."""
    owner, name, function = find(point)
    setattr(owner, name, _wrapped(function, point, folder))


def _wrapped(function: Callable[..., Any], point: CrashPoint, folder: Path) -> Callable[..., Any]:
    @functools.wraps(function)
    def at_crash_point(*args: Any, **kwargs: Any) -> Any:
        if point.moment is Moment.BEFORE:
            _crash_if_armed(point, folder)
            return function(*args, **kwargs)
        result = function(*args, **kwargs)
        if point.moment is Moment.AFTER:
            _crash_if_armed(point, folder)
        elif armed_file(folder, point).exists():
            threading.Timer(SOON_SECONDS, _crash_if_armed, (point, folder)).start()
        return result

    return at_crash_point


def _crash_if_armed(point: CrashPoint, folder: Path) -> None:
    """Kill the group of this process; of those who come by at once only one finds the file."""
    try:
        armed_file(folder, point).rename(crashed_file(folder, point))
    except FileNotFoundError:
        return
    os.killpg(os.getpgrp(), signal.SIGKILL)
