"""
Noting that DingTalk still uses a previous credential of a suite.

An operator who changes one wants to know when the old one may go. One note a minute is enough for that, so
that a rotation does not cost each callback a write.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import Error as DatabaseError

from dingtalk.credentials import SuiteCredentials
from dingtalk.models import Suite
from dingtalk.patience import impatient_transaction
from dingtalk.protocol.envelope import CallbackCredential

NOTE_EVERY = timedelta(minutes=1)

logger = logging.getLogger(__name__)

# When each column of each suite was last noted by this process; as many as there are rotations under way.
_noted: dict[tuple[UUID, str], datetime] = {}


def note(credentials: SuiteCredentials, used: CallbackCredential, *, now: datetime) -> None:
    """Note the use of a previous token or key; a failure is logged, since the push is stored already."""
    columns = [column for column in _previous_columns(used) if _is_due(credentials.suite_id, column, now)]
    if not columns:
        return
    _noted.update({(credentials.suite_id, column): now for column in columns})
    try:
        with impatient_transaction():
            Suite.objects.filter(pk=credentials.suite_id).update(**dict.fromkeys(columns, now))
    except DatabaseError:
        logger.warning("previous_credential_use_not_noted", exc_info=True)


def _previous_columns(used: CallbackCredential) -> list[str]:
    columns = {
        "callback_token_previous_used_at": used.is_previous_token,
        "encoding_aes_key_previous_used_at": used.is_previous_key,
    }
    return [column for column, is_previous in columns.items() if is_previous]


def _is_due(suite_id: UUID, column: str, now: datetime) -> bool:
    noted_at = _noted.get((suite_id, column))
    return noted_at is None or now - noted_at >= NOTE_EVERY
