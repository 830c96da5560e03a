"""
The database and the cache of either mode.

A commit is durable, a frozen client holds nothing up, and a cache that hangs costs a fraction of a second.
"""

from pathlib import Path
from typing import Any

from dingtalk.patience import SESSION_LIMITS

_SQLITE = "django.db.backends.sqlite3"
_POSTGRESQL = "django.db.backends.postgresql"

LOCAL_CACHE = "django.core.cache.backends.locmem.LocMemCache"
_REDIS_CACHE = "django.core.cache.backends.redis.RedisCache"
_CACHE_TIMEOUT_SECONDS = 0.3

_SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 5,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}
_POSTGRESQL_OPTIONS = {
    "connect_timeout": 2,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "options": (
        "-c synchronous_commit=on "
        # A client that froze inside a transaction would keep its row locks from everybody else.
        "-c idle_in_transaction_session_timeout=10s "
        # All we ask are few rows by an index. Helpers run ahead and read what nobody wants.
        "-c max_parallel_workers_per_gather=0"
    ),
}
# A server that froze without closing the connection: DingTalk waits 1,200 ms and no longer.
_IMPATIENT_POSTGRESQL_OPTIONS = {
    "connect_timeout": 1,
    "tcp_user_timeout": 1000,
    "options": f"{_POSTGRESQL_OPTIONS['options']} {SESSION_LIMITS}",
}


def sqlite_database(data_dir: Path) -> dict[str, Any]:
    """Return Django's settings of the embedded database: WAL, durable at each commit."""
    return {"ENGINE": _SQLITE, "NAME": str(data_dir / "portal.sqlite3"), "OPTIONS": {**_SQLITE_OPTIONS}}


def configured_database(parsed: dict[str, Any], *, is_for_callbacks: bool = False) -> dict[str, Any]:
    """
    Return the database that DATABASE_URL names, with our options where the URL has none.

    `is_for_callbacks`: give up sooner, prepare statements, and do not ask a kept connection whether it lives
    before each use, since that is a round trip; `dingtalk.callbacks` opens a new one when it does not.
    """
    defaults = {_SQLITE: _SQLITE_OPTIONS, _POSTGRESQL: _POSTGRESQL_OPTIONS}.get(parsed["ENGINE"], {})
    if is_for_callbacks and parsed["ENGINE"] == _POSTGRESQL:
        defaults = {**defaults, **_IMPATIENT_POSTGRESQL_OPTIONS}
    options = {**defaults, **parsed.get("OPTIONS", {})}
    return {**parsed, "CONN_HEALTH_CHECKS": not is_for_callbacks, "OPTIONS": options}


def shared_cache(redis_url: str) -> dict[str, Any]:
    """Return the cache that all processes share; nothing is kept there that could not be lost."""
    timeouts = {
        "socket_connect_timeout": _CACHE_TIMEOUT_SECONDS,
        "socket_timeout": _CACHE_TIMEOUT_SECONDS,
    }
    return {"BACKEND": _REDIS_CACHE, "LOCATION": redis_url, "OPTIONS": timeouts}
