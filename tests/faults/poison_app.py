"""A Django app with a handler that no process survives, as one would do that eats all memory."""

import os
import signal
from pathlib import Path
from typing import Any, NoReturn

from django.apps import AppConfig

POISON = "faults_poison"
# What makes processes have this app.
ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "tests.faults.poison_settings"}


class PoisonConfig(AppConfig):
    """Registers the handler."""

    name = "tests.faults.poison_app"
    label = "poison"
    path = str(Path(__file__).resolve().parent)

    def ready(self) -> None:
        """Take the event type."""
        from dingtalk.routing import routes

        routes.on(POISON)(die)


def deaths_file(data_dir: Path) -> Path:
    """Return the file that has a line for each process that died."""
    return data_dir / "deaths"


def die(_event: Any, **_: Any) -> NoReturn:
    """Note it, and kill this process with its group."""
    with deaths_file(Path(os.environ["DATA_DIR"])).open("a") as deaths:
        deaths.write(f"{os.getpid()}\n")
    os.killpg(os.getpgrp(), signal.SIGKILL)
    raise AssertionError("nobody gets here")
