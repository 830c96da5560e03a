"""Storing what was received: the only write before an acknowledgement."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from dingtalk import tickets
from dingtalk.credentials import SuiteCredentials
from dingtalk.foundation.ids import new_id
from dingtalk.models import PushSource, ReceivedPush, Suite
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
    push = _NewPush(
        id=new_id(),
        suite_id=credentials.suite_id,
        digest=hashlib.sha256(encrypt.encode()).hexdigest(),
        received_at=received_at,
        message=message,
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


@dataclass(frozen=True, slots=True)
class _NewPush:
    """The values of a row; making a model instance of them would cost more than encrypting the body."""

    id: UUID
    suite_id: UUID
    digest: str
    received_at: datetime
    message: bytes = field(repr=False)


def _insert_once(push: _NewPush, credentials: SuiteCredentials) -> bool:
    statements = _statements(connection.vendor)
    suite_id, version = statements.uuid(push.suite_id), credentials.version
    body = ReceivedPush._meta.get_field("body").encrypt_for(push.id, push.message).stored
    values = (
        *(statements.uuid(push.id), suite_id, push.digest, statements.time(push.received_at), body),
        *(suite_id, version),
    )
    if execute_impatiently(statements.insert, values):
        return True
    if not execute_impatiently(statements.repeat, (suite_id, push.digest, suite_id, version)):
        raise CredentialsOutdated
    return False


@dataclass(frozen=True, slots=True)
class _Statements:
    """
    What is sent to one kind of database, and how values are given to it.

    `insert` stores a push only while the suite still has the version that its credentials were read with,
    and `repeat` counts one that is stored already, on the same condition. Written by hand: the ORM would
    build them anew for each push, and need a second statement to look at the suite.
    """

    insert: str
    repeat: str
    uuid: Callable[[UUID], Any]
    time: Callable[[datetime], Any]


@cache
def _statements(vendor: str) -> _Statements:
    """Return the statements; `vendor` is the connection's, which spells names and values."""
    pushes, suites = (connection.ops.quote_name(model._meta.db_table) for model in (ReceivedPush, Suite))
    is_current = f"FROM {suites} WHERE id = %s AND version = %s"
    return _Statements(
        insert=(
            f"INSERT INTO {pushes} (id, suite_id, digest, received_at, body, source, repeats) "
            f"SELECT %s, %s, %s, %s, %s, '{PushSource.HTTP.value}', 0 {is_current} "
            f"ON CONFLICT (suite_id, digest) DO NOTHING"
        ),
        repeat=(
            f"UPDATE {pushes} SET repeats = repeats + 1 "  # noqa: S608 - names of ours only
            f"WHERE suite_id = %s AND digest = %s AND EXISTS (SELECT 1 {is_current})"
        ),
        uuid=(lambda value: value) if vendor == "postgresql" else (lambda value: value.hex),
        time=connection.ops.adapt_datetimefield_value,
    )
