"""
Settings of the test run.

`.env.example` is loaded first, so that it cannot rot; then what a test run needs. The database is
SQLite, or PostgreSQL with TEST_DATABASE=postgresql (at DATABASE_URL, else an embedded one).
"""

import os
import tempfile
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parent.parent
for name, value in dotenv_values(ROOT / ".env.example").items():
    if value:
        os.environ.setdefault(name, value)
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="isv-portal-tests-")

from isv_portal.settings import *  # noqa: E402, F403
from isv_portal.settings import DATABASES, INSTALLED_APPS  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.vault"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in earnest: in memory, connections share tables and lock each other out at once.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(os.environ["DATA_DIR"]) / "test.sqlite3")}
