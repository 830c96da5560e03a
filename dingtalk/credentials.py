"""
The suites' callback credentials, kept decrypted in this process.

A callback is verified without asking the database. The copy carries the suite's version; storing a push
checks that it is still the current one (see `pushes.store_push`), and an outdated copy is dropped.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar
from uuid import UUID

from dingtalk.errors import CannotReceive, UnknownSuite
from dingtalk.foundation.keyring import DecryptionError
from dingtalk.models import Suite
from dingtalk.protocol.crypto import decode_aes_key
from dingtalk.protocol.envelope import CallbackCredential

MAX_SUITES = 1_000
# A wrong signature may only mean that the credentials were just changed. So often, at most, it makes
# us look: whoever sends wrong signatures must not be able to keep the database busy.
RELOAD_PAUSE_SECONDS = 1.0

_SLUG = re.compile(r"[A-Za-z0-9_-]{1,64}")

SecretT = TypeVar("SecretT", str, bytes)


@dataclass(frozen=True, slots=True)
class _Rotated(Generic[SecretT]):
    """One value of a secret; `until` is None for the current one."""

    value: SecretT = field(repr=False)
    until: datetime | None

    def is_live(self, now: datetime) -> bool:
        return self.until is None or now < self.until

    @property
    def is_previous(self) -> bool:
        return self.until is not None


@dataclass(frozen=True, slots=True)
class SuiteCredentials:
    """What one suite's callbacks are verified with, as of one version of the suite."""

    suite_id: UUID
    suite_key: str
    version: int
    read_at: float
    freshness_window_seconds: int | None
    _tokens: tuple[_Rotated[str], ...] = field(repr=False)
    _aes_keys: tuple[_Rotated[bytes], ...] = field(repr=False)
    # The one pair there is, when nothing is being rotated.
    _only: CallbackCredential | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if len(self._tokens) == len(self._aes_keys) == 1:
            only = CallbackCredential(self._tokens[0].value, self._aes_keys[0].value, self.suite_key)
            object.__setattr__(self, "_only", only)

    def live(self, now: datetime) -> list[CallbackCredential]:
        """
        Return every pair of a live token and a live AES key, the current pair first; at most four.

        Pairs, because each of the two is rotated by itself.
        """
        if self._only is not None:
            return [self._only]
        return [
            CallbackCredential(
                token=token.value,
                aes_key=aes_key.value,
                owner_key=self.suite_key,
                is_previous_token=token.is_previous,
                is_previous_key=aes_key.is_previous,
            )
            for token in self._tokens
            for aes_key in self._aes_keys
            if token.is_live(now) and aes_key.is_live(now)
        ]


class CredentialCache:
    """The credentials of the suites used last, by path slug; safe between threads."""

    def __init__(self, *, limit: int = MAX_SUITES) -> None:
        self._limit = limit
        self._lock = Lock()
        self._kept: OrderedDict[str, SuiteCredentials] = OrderedDict()

    def get(self, slug: str) -> SuiteCredentials:
        """Return a suite's credentials, from memory if they are there; raises as `read_again`."""
        with self._lock:
            kept = self._kept.get(slug)
            if kept is not None:
                self._kept.move_to_end(slug)
                return kept
        return self.read_again(slug)

    def read_again(self, slug: str) -> SuiteCredentials:
        """
        Return a suite's credentials as they are in the database, and keep them.

        Raises UnknownSuite, and keeps nothing then: guessed slugs would fill the memory. Raises
        CannotReceive when the stored credentials cannot be decrypted.
        """
        self.invalidate(slug)
        fresh = _read(slug)
        with self._lock:
            self._kept[slug] = fresh
            if len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        return fresh

    def find_newer(self, slug: str, known: SuiteCredentials) -> SuiteCredentials | None:
        """Return the credentials if they have changed; looks at most once a second, else None."""
        if monotonic() - known.read_at < RELOAD_PAUSE_SECONDS:
            return None
        fresh = self.read_again(slug)
        return fresh if fresh.version != known.version else None

    def invalidate(self, slug: str) -> None:
        """Forget a suite's credentials; the next callback reads them from the database."""
        with self._lock:
            self._kept.pop(slug, None)

    def clear(self) -> None:
        """Forget all credentials."""
        with self._lock:
            self._kept.clear()


def _read(slug: str) -> SuiteCredentials:
    read_at = monotonic()
    # A slug of another form is not looked up: PostgreSQL refuses a NUL with an error.
    suite = Suite.objects.filter(path_slug=slug).first() if _SLUG.fullmatch(slug) else None
    if suite is None:
        raise UnknownSuite
    try:
        return SuiteCredentials(
            suite_id=suite.pk,
            suite_key=suite.suite_key,
            version=suite.version,
            read_at=read_at,
            freshness_window_seconds=suite.freshness_window_seconds,
            _tokens=_tokens_of(suite),
            _aes_keys=_aes_keys_of(suite),
        )
    except (DecryptionError, ValueError) as error:
        raise CannotReceive(f"the callback credentials of suite {suite.pk} cannot be read") from error


def _tokens_of(suite: Suite) -> tuple[_Rotated[str], ...]:
    current = _Rotated(suite.callback_token, None)
    previous, until = suite.callback_token_previous, suite.callback_token_previous_until
    return (current, _Rotated(previous, until)) if previous and until else (current,)


def _aes_keys_of(suite: Suite) -> tuple[_Rotated[bytes], ...]:
    current = _Rotated(decode_aes_key(suite.encoding_aes_key), None)
    previous, until = suite.encoding_aes_key_previous, suite.encoding_aes_key_previous_until
    if not (previous and until):
        return (current,)
    return (current, _Rotated(decode_aes_key(previous), until))


callback_credentials = CredentialCache()


def invalidate(slug: str) -> None:
    """Forget the suite's credentials in this process; other processes notice by the version."""
    callback_credentials.invalidate(slug)
