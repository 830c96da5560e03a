"""Storing what was received: the only write before an acknowledgement."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q

from dingtalk import tickets
from dingtalk.credentials import SuiteCredentials
from dingtalk.models import ReceivedPush, Suite
from dingtalk.patience import execute_impatiently, impatient_transaction
from dingtalk.protocol.events import PushedTicket

# A suite's URL check is noted at most so often: otherwise nothing is written for it.
VERIFIED_NOTE_SECONDS = 60


class CredentialsOutdated(Exception):
    """The suite has changed since the credentials were read: nothing is stored."""


def store_push(
    *,
    credentials: SuiteCredentials,
    encrypt: str,
    message: bytes,
    pushed_tickets: Sequence[PushedTicket],
    received_at: datetime,
) -> bool:
    """
    Store a verified message once; return whether it is new.

    One statement in one round trip; with tickets one transaction. Raises CredentialsOutdated, and any
    django.db.Error when the database does not store it in time.
    """
    push = ReceivedPush(
        suite_id=credentials.suite_id,
        digest=hashlib.sha256(encrypt.encode()).hexdigest(),
        received_at=received_at,
        body=message,
    )
    if not pushed_tickets:
        return _insert_once(push, credentials)
    with impatient_transaction():
        is_new = _insert_once(push, credentials)
        tickets.store_tickets(suite_id=credentials.suite_id, tickets=pushed_tickets, received_at=received_at)
    return is_new


def note_url_verified(*, credentials: SuiteCredentials, now: datetime) -> None:
    """Note that DingTalk has just checked the suite's callback URL; raises django.db.Error."""
    long_ago = now - timedelta(seconds=VERIFIED_NOTE_SECONDS)
    unnoted = Q(callback_verified_at__isnull=True) | Q(callback_verified_at__lt=long_ago)
    with impatient_transaction():
        Suite.objects.filter(unnoted, pk=credentials.suite_id).update(callback_verified_at=now)


def _insert_once(push: ReceivedPush, credentials: SuiteCredentials) -> bool:
    if execute_impatiently(*_insert_statement(push, credentials)):
        return True
    if not execute_impatiently(*_repeat_statement(push, credentials)):
        raise CredentialsOutdated
    return False


def _repeat_statement(push: ReceivedPush, credentials: SuiteCredentials) -> tuple[str, list[Any]]:
    """Return the update that counts a repeat, which happens only while the suite still has this version."""
    suite_id = Suite._meta.pk.get_db_prep_save(credentials.suite_id, connection)
    sql = (
        f"UPDATE {_quoted(ReceivedPush._meta.db_table)} SET repeats = repeats + 1 "  # noqa: S608 - names of ours only
        f"WHERE suite_id = %s AND digest = %s AND EXISTS "
        f"(SELECT 1 FROM {_quoted(Suite._meta.db_table)} WHERE id = %s AND version = %s)"
    )
    return sql, [suite_id, push.digest, suite_id, credentials.version]


def _insert_statement(push: ReceivedPush, credentials: SuiteCredentials) -> tuple[str, list[Any]]:
    """
    Return the insert that happens only while the suite still has this version.

    Written by hand: the ORM would need a second statement to look at the suite.
    """
    fields = ReceivedPush._meta.concrete_fields
    values = [field.get_db_prep_save(field.pre_save(push, add=True), connection) for field in fields]
    columns = ", ".join(_quoted(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(values))
    sql = (
        f"INSERT INTO {_quoted(ReceivedPush._meta.db_table)} ({columns}) "  # noqa: S608 - names of ours only
        f"SELECT {places} FROM {_quoted(Suite._meta.db_table)} "
        f"WHERE id = %s AND version = %s "
        f"ON CONFLICT (suite_id, digest) DO NOTHING"
    )
    suite_id = Suite._meta.pk.get_db_prep_save(credentials.suite_id, connection)
    return sql, [*values, suite_id, credentials.version]


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
