"""Storing what was received: the only write before an acknowledgement."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from dingtalk import tickets
from dingtalk.credentials import SuiteCredentials
from dingtalk.foundation.ids import new_id
from dingtalk.foundation.keyring import Place, active_keyring
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
    digest = hashlib.sha256(encrypt.encode()).hexdigest()
    if not pushed_tickets:
        return _insert_once(digest, message, credentials, received_at)
    with impatient_transaction():
        is_new = _insert_once(digest, message, credentials, received_at)
        tickets.store_tickets(suite_id=credentials.suite_id, tickets=pushed_tickets, received_at=received_at)
    return is_new


def note_url_verified(*, credentials: SuiteCredentials, now: datetime) -> None:
    """
    Note that DingTalk has just checked the suite's callback URL.

    Raises CredentialsOutdated, since these may have been withdrawn, and django.db.Error.
    """
    long_ago = now - timedelta(seconds=VERIFIED_NOTE_SECONDS)
    unnoted = Q(callback_verified_at__isnull=True) | Q(callback_verified_at__lt=long_ago)
    suite = Suite.objects.filter(pk=credentials.suite_id, version=credentials.version)
    with impatient_transaction():
        if not suite.exists():
            raise CredentialsOutdated
        suite.filter(unnoted).update(callback_verified_at=now)


def _insert_once(digest: str, message: bytes, credentials: SuiteCredentials, received_at: datetime) -> bool:
    statements = _statements()
    row_id, suite = new_id(), (statements.uuid(credentials.suite_id), str(credentials.version))
    # What the model's field does, without an instance: see `EncryptedField`.
    body = active_keyring().encrypt_bytes(message, Place(statements.table, "body", str(row_id)))
    row = (statements.uuid(row_id), suite[0], digest, statements.time(received_at), body)
    if execute_impatiently(statements.insert, (*row, *suite)):
        return True
    if not execute_impatiently(statements.repeat, (suite[0], digest, *suite)):
        raise CredentialsOutdated
    return False


@dataclass(frozen=True, slots=True)
class _Statements:
    """
    What is sent to the database, and how values are given to it.

    `insert` stores a push only while the suite still has the version that its credentials were read with,
    and `repeat` counts one that is stored already, on the same condition. Written by hand: the ORM would
    build them anew for each push, and need a second statement to look at the suite.
    """

    table: str
    insert: str
    repeat: str
    uuid: Callable[[UUID], str]
    time: Callable[[datetime], Any]


@cache
def _statements() -> _Statements:
    """Return the statements for the one database of this process."""
    is_postgresql = connection.vendor == "postgresql"
    places = (
        "%s::uuid, %s::uuid, %s::varchar, %s::timestamptz, %s::bytea"
        if is_postgresql
        else "%s, %s, %s, %s, %s"
    )
    pushes, suites = (connection.ops.quote_name(model._meta.db_table) for model in (ReceivedPush, Suite))
    is_current = f"FROM {suites} WHERE id = %s AND version = %s"
    return _Statements(
        table=ReceivedPush._meta.db_table,
        insert=(
            f"INSERT INTO {pushes} (id, suite_id, digest, received_at, body, source, repeats) "
            f"SELECT {places}, '{PushSource.HTTP.value}', 0 {is_current} "
            f"ON CONFLICT (suite_id, digest) DO NOTHING"
        ),
        repeat=(
            f"UPDATE {pushes} SET repeats = repeats + 1 "  # noqa: S608 - names of ours only
            f"WHERE suite_id = %s AND digest = %s AND EXISTS (SELECT 1 {is_current})"
        ),
        uuid=str if is_postgresql else attrgetter("hex"),
        # PostgreSQL gets the time zone with it; SQLite gets what Django stores there.
        time=str if is_postgresql else connection.ops.adapt_datetimefield_value,
    )
