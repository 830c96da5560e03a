"""This test run's database, for processes of their own."""

import os
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection


def database_url() -> str:
    """Return the URL of the database that the current test works on."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    user, password = (quote(str(database[name]), safe="") for name in ("USER", "PASSWORD"))
    return f"postgres://{user}:{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def environment(data_dir: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a process that works on the current test's database, with its keys."""
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url(),
        "DATA_DIR": str(data_dir),
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_ENCRYPTION_KEYS": settings.FIELD_ENCRYPTION_KEYS,
        **variables,
    }
