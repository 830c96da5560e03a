"""
Receiving: verify, store once, acknowledge. Nothing else happens before the answer.

What is authentic is acknowledged and ours from then on, also when we cannot read it: DingTalk sending it
again would not mend it. What is not authentic leaves nothing behind.
Source: open.dingtalk.com, "http-callback-overview", "configure-synchttp-push"
"""

import hmac
import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from django.db import Error as DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from dingtalk import previous_use, pushes
from dingtalk.credentials import SuiteCredentials, callback_credentials
from dingtalk.database_absence import database_absence
from dingtalk.errors import CannotReceive, StaleEnvelope
from dingtalk.protocol.crypto import RANDOM_BYTES
from dingtalk.protocol.envelope import Envelope, OpenedEnvelope, open_envelope, seal_reply
from dingtalk.protocol.errors import DecryptionFailed, MalformedEvent, SignatureMismatch, WrongReceiver
from dingtalk.protocol.freshness import is_fresh
from dingtalk.protocol.glance import Glance, glance
from dingtalk.punctuality import Deadline
from dingtalk.pushes import CredentialsOutdated

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """
    A callback that was taken; `reply` is the encrypted `success`.

    `event_type`: "" when the message cannot be read. `is_new`: None for a URL check, which is not stored.
    `credential_name`: which of the suite's credentials it came with, for people.
    """

    reply: dict[str, str] = field(repr=False)
    suite_key: str
    event_type: str
    is_new: bool | None
    credential_name: str


def receive(*, slug: str, envelope: Envelope, received_at: datetime, deadline: Deadline) -> Received:
    """
    Verify a callback, store it, and return the encrypted `success` to answer with, and what was stored.

    A message that was stored before is acknowledged again. Nothing is begun once more after the `deadline`.
    Raises ProtocolError for what is no message for this suite, CannotReceive when it could not be stored.
    """
    if database_absence.is_on:
        raise CannotReceive("the database is away")
    try:
        return _receive_on_living_connection(slug, envelope, received_at, deadline)
    except DatabaseError as error:
        if deadline.found_no_database:
            database_absence.note()
        raise CannotReceive("the database did not store it in time") from error


def _receive_on_living_connection(
    slug: str, envelope: Envelope, received_at: datetime, deadline: Deadline
) -> Received:
    """
    Receive, once more on a new connection when the one that was kept open has died.

    A kept connection is not tried before it is used: that would be a second round trip for every push.
    What was sent twice is stored once.
    """
    kept = deadline.connection.connection
    if kept is None:
        deadline.connect()
    try:
        return _receive(slug, envelope, received_at)
    except DatabaseError:
        connection = deadline.connection
        if kept is None or deadline.is_over() or connection.in_atomic_block or _is_alive(connection, kept):
            raise
        connection.close()
        deadline.connect()
        return _receive(slug, envelope, received_at)


def _is_alive(connection: BaseDatabaseWrapper, kept: object) -> bool:
    """Tell whether a connection still works; leaving a transaction, Django may have replaced it already."""
    return connection.connection is kept and connection.is_usable()


def _receive(slug: str, envelope: Envelope, received_at: datetime) -> Received:
    credentials = callback_credentials.get(slug)
    try:
        return _receive_with(credentials, envelope, received_at)
    except (SignatureMismatch, DecryptionFailed):
        # The credentials may have been changed a moment ago, and DingTalk uses the new ones already.
        newer = callback_credentials.find_newer(slug, credentials)
        if newer is None:
            raise
    except CredentialsOutdated:
        newer = callback_credentials.read_again(slug)
    try:
        return _receive_with(newer, envelope, received_at)
    except CredentialsOutdated as error:
        raise CannotReceive("the suite keeps changing") from error


def _receive_with(credentials: SuiteCredentials, envelope: Envelope, received_at: datetime) -> Received:
    opened = open_envelope(envelope, credentials.live(received_at))
    _require_fresh(envelope, credentials, received_at)
    seen = _look_at(credentials, opened)
    is_new = None
    if seen is not None and seen.is_url_check:
        _note_url_verified(credentials, received_at)
    else:
        is_new = pushes.store_push(
            credentials=credentials,
            encrypt=envelope.encrypt,
            message=opened.message,
            pushed_tickets=seen.tickets if seen else (),
            received_at=received_at,
        )
    previous_use.note(credentials, opened.credential, now=received_at)
    return Received(
        reply=seal_reply(
            credential=opened.credential,
            owner_key=opened.owner_key,
            timestamp=str(int(received_at.timestamp() * 1000)),
            nonce=secrets.token_hex(8),
            random16=secrets.token_bytes(RANDOM_BYTES),
        ),
        suite_key=credentials.suite_key,
        event_type=seen.event_type if seen else "",
        is_new=is_new,
        credential_name=opened.credential.name,
    )


def _require_fresh(envelope: Envelope, credentials: SuiteCredentials, received_at: datetime) -> None:
    """Raise StaleEnvelope where the suite has a window; without one nothing is refused for its age."""
    window_seconds = credentials.freshness_window_seconds
    now_seconds = received_at.timestamp()
    if window_seconds is not None and not is_fresh(
        envelope.timestamp, now_seconds=now_seconds, window_seconds=window_seconds
    ):
        raise StaleEnvelope


def _look_at(credentials: SuiteCredentials, opened: OpenedEnvelope) -> Glance | None:
    """Return what is seen of the message at a glance, None when it cannot be read; raises WrongReceiver."""
    try:
        seen = glance(opened.message)
    except MalformedEvent:
        return None
    named = seen.suite_key
    if named and not hmac.compare_digest(named.encode(), credentials.suite_key.encode()):
        raise WrongReceiver
    return seen


def _note_url_verified(credentials: SuiteCredentials, now: datetime) -> None:
    try:
        pushes.note_url_verified(credentials=credentials, now=now)
    except DatabaseError:
        # The check asks whether we can read and answer; we can.
        logger.warning("url_check_not_noted", exc_info=True)
