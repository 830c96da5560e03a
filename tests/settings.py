"""
Settings of the test run.

`.env.example` is the env file of the run, so that it cannot rot; then what a test run needs. The database
is SQLite, or PostgreSQL with TEST_DATABASE=postgresql (at DATABASE_URL, else one started for the run).
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests.support import services

ROOT = Path(__file__).resolve().parent.parent
RUN_FOLDER = Path(tempfile.mkdtemp(prefix="isv-portal-tests-"))
atexit.register(shutil.rmtree, RUN_FOLDER, ignore_errors=True)
ON_POSTGRESQL = os.environ.get("TEST_DATABASE") == "postgresql"

if ON_POSTGRESQL:
    # Named in the environment, so that the workers of pytest-xdist use the same server.
    os.environ["DATABASE_URL"] = services.postgresql_url()
os.environ.update(
    {
        "ENV_FILE": str(ROOT / ".env.example"),
        "DATA_DIR": str(RUN_FOLDER),
        "SECRET_KEY": "the-tests-sign-with-this-and-nothing-else-does-so-it-is-no-secret",
        "FIELD_ENCRYPTION_KEYS": "tests:c2+RrAoSWVd1ZkMPXzsKhNfDxG0Lz8mVSmAvQpYI4eU=",
    }
)

from isv_portal.databases import sqlite_database  # noqa: E402
from isv_portal.settings import *  # noqa: E402, F403
from isv_portal.settings import DATABASES, INSTALLED_APPS  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.vault"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}

if ON_POSTGRESQL:
    # A test is one transaction, and may be thinking for longer than a client of the portal may.
    DATABASES["default"]["OPTIONS"]["options"] = DATABASES["default"]["OPTIONS"]["options"].replace(
        "idle_in_transaction_session_timeout=10s", "idle_in_transaction_session_timeout=120s"
    )
else:
    # A file, as in earnest: in memory, connections share tables and lock each other out at once.
    DATABASES = {
        "default": {**sqlite_database(RUN_FOLDER), "TEST": {"NAME": str(RUN_FOLDER / "test.sqlite3")}}
    }
