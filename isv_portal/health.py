"""
`/healthz`: does this process answer? `/readyz`: can it do its work?

Readiness names each check, and says in both languages what to do about one that fails. Nothing from the
configuration is repeated: these pages are public.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as AnyDatabaseError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dingtalk import heartbeats, tickets
from dingtalk.client import dingtalk_client
from dingtalk.foundation.keyring import DecryptionError, active_keyring
from dingtalk.models import ProcessKind, Suite


class NotReady(Exception):
    """A check failed; the text is safe to show."""


@dataclass(frozen=True)
class Check:
    """One thing that must hold before requests can be served, and what to do when it does not."""

    name: str
    verify: Callable[[], object]
    hint: str
    hint_zh: str

    def result(self) -> dict[str, Any]:
        """Run the check; returns what `/readyz` shows of it."""
        try:
            self.verify()
        except (NotReady, AnyDatabaseError, DecryptionError, ImproperlyConfigured):
            return {"ok": False, "hint": {"en": self.hint, "zh-hans": self.hint_zh}}
        return {"ok": True}


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as this process answers at all."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when every check holds, else 503 with the first that does not; each check by name."""
    results: dict[str, dict[str, Any]] = {}
    ready = True
    for check in CHECKS:
        results[check.name] = check.result()
        if not results[check.name]["ok"]:
            # What comes after stands on it, and would only repeat the failure under another name.
            ready = False
            break
    body: dict[str, Any] = {"status": "ok" if ready else "not_ready", "checks": results}
    if ready:
        body["details"] = {name: describe() for name, describe in DETAILS.items()}
    return JsonResponse(body, status=200 if ready else 503)


def verify_database() -> None:
    """Ask the database something; raises one of Django's database errors."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def verify_migrations() -> None:
    """Raise NotReady while a migration of this code is not applied."""
    missing = _known_migrations() - set(MigrationRecorder(connection).applied_migrations())
    if missing:
        raise NotReady


def verify_keys() -> None:
    """Raise when the keys are unusable, or cannot decrypt what is stored under them."""
    active_keyring()
    suite = Suite.objects.order_by("-updated_at").first()
    if suite is not None:
        _ = suite.suite_secret


def describe_tickets() -> dict[str, int]:
    """Count the suites whose ticket is overdue, and those that have none yet."""
    ages = tickets.ticket_ages(now=timezone.now())
    return {
        "suites": len(ages),
        "overdue": sum(each.is_overdue for each in ages),
        "missing": sum(each.age is None for each in ages),
    }


def describe_calls() -> dict[str, Any]:
    """
    Return what keeps calls to DingTalk back, which makes nothing unready: the portal does its work later.

    `rests_seconds`: for how long no call at all goes out. `endpoints_left_alone`: how many gave no usable
    answer lately. `held_back`: calls of this process that were not sent, by reason.
    """
    gate = dingtalk_client().gate
    state = gate.state()
    return {
        "counted_in": state.kept_in,
        "rests_seconds": math.ceil(state.everything_rests_seconds),
        "endpoints_left_alone": len(state.broken),
        "held_back": gate.held_back(),
    }


def describe_processes() -> dict[str, Any]:
    """
    Return of each kind of process how many are at work, and how long ago any made progress; None: never.

    A portal whose worker does nothing answers all the same, so this makes nothing unready.
    """
    return {kind.value: _describe_kind(kind, found) for kind, found in heartbeats.figures().items()}


def _describe_kind(kind: ProcessKind, found: heartbeats.Figures) -> dict[str, Any]:
    seconds = found.last_progress_seconds
    described: dict[str, Any] = {
        "at_work": found.at_work,
        "last_progress_seconds": None if seconds is None else round(seconds),
    }
    if found.is_silent:
        described["hint"] = {
            "en": f"No {kind.value} does anything: see that it is started, and look for `no_progress` and "
            "`watchdog_waits` in its log.",
            "zh-hans": f"没有正在工作的 {kind.value} 进程：请确认它已启动，并在其日志中查找 `no_progress` 和 "
            "`watchdog_waits`。",
        }
    return described


@lru_cache(maxsize=1)
def _known_migrations() -> frozenset[tuple[str, str]]:
    """All migrations of the installed apps; they do not change while a process runs."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return frozenset(loader.disk_migrations)


CHECKS = (
    Check(
        "database",
        verify_database,
        "The database does not answer: check DATABASE_URL and that the server runs.",
        "数据库无响应：请检查 DATABASE_URL 以及数据库服务是否在运行。",
    ),
    Check(
        "migrations",
        verify_migrations,
        "The tables are older than the code: run `manage.py migrate`.",
        "数据表版本落后于代码：请运行 `manage.py migrate`。",
    ),
    Check(
        "keys",
        verify_keys,
        "Stored secrets do not decrypt: FIELD_ENCRYPTION_KEYS must hold the keys they were stored under.",
        "已存储的密文无法解密：FIELD_ENCRYPTION_KEYS 必须包含当时加密所用的密钥。",
    ),
)

# What does not keep requests from being served, but should be known; figures only, this page is public.
DETAILS: dict[str, Callable[[], Any]] = {
    "suite_tickets": describe_tickets,
    "calls_to_dingtalk": describe_calls,
    "processes": describe_processes,
}
