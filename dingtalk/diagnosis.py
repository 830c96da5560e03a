"""
Why a callback was refused, in words for an operator: what was wrong, the likely cause, the next step.

Only operators and developers get this; whoever sent the callback always gets the same 400.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from dingtalk.captured_requests import CapturedRequest
from dingtalk.foundation.keyring import DecryptionError
from dingtalk.foundation.text import visible
from dingtalk.models import Suite
from dingtalk.protocol.crypto import decode_aes_key
from dingtalk.protocol.diagnosis import Finding, Hint, KnownCredential, Part, diagnose
from dingtalk.protocol.freshness import is_fresh, read_timestamp

# Diagnosis tries each of them; more suites than this have no part in a mix-up of two.
MOST_OTHER_SUITES = 200

PARTS = {
    Part.SHAPE: _("the form of the request"),
    Part.SIGNATURE: _("the signature"),
    Part.KEY: _("the EncodingAESKey"),
    Part.RECEIVER: _("the receiver"),
    Part.MESSAGE: _("the message"),
    Part.NOTHING: _("nothing"),
}
CAUSES = {
    Hint.BODY_EMPTY: _("The body is empty: a proxy dropped it, or does not pass on chunked bodies."),
    Hint.BODY_IS_FORM: _("The body is a form, not JSON: something between DingTalk and us rewrites it."),
    Hint.BODY_IS_PLAIN: _("The body is not encrypted: this is not DingTalk, or a test tool without a key."),
    Hint.BODY_NOT_JSON: _("The body is not JSON: it was cut off or rewritten on the way."),
    Hint.PLUS_DECODED: _("Plus signs became spaces: a proxy or tool decoded the body as a form."),
    Hint.QUERY_INCOMPLETE: _(
        "The query is not complete: the callback URL may lose its parameters in a redirect."
    ),
    Hint.SIGNATURE_FORM: _("The signature has not the form of DingTalk's: it is cut off, or not DingTalk's."),
    Hint.OTHER_SHAPE: _("The body has not the form of a callback."),
    Hint.TOKEN_OF_OTHER_SUITE: _(
        "It is signed with the callback token of another suite: a callback URL was entered at the wrong one."
    ),
    Hint.TOKEN_ENDED: _(
        "It is signed with a callback token whose time has ended: enter the current one at DingTalk."
    ),
    Hint.LINE_BREAKS_CHANGED: _(
        "Line breaks of the ciphertext were changed on the way: let nothing rewrite it."
    ),
    Hint.ONLY_TOKEN_WRONG: _(
        "The EncodingAESKey fits and the callback token does not: enter the same token here and at DingTalk."
    ),
    Hint.MEANT_FOR_OTHER_SUITE: _("It was encrypted for another suite: two callback URLs are mixed up."),
    Hint.NOTHING_FITS: _(
        "Neither token nor key is one of ours: somebody else sent it, or both differ from those at DingTalk."
    ),
    Hint.KEY_OF_OTHER_SUITE: _("It is encrypted with the EncodingAESKey of another suite: two are mixed up."),
    Hint.KEY_ENDED: _(
        "It is encrypted with an EncodingAESKey whose time has ended: enter the current one at DingTalk."
    ),
    Hint.CIPHERTEXT_DAMAGED: _(
        "The ciphertext was cut off or changed before it was signed: this is not DingTalk."
    ),
    Hint.KEY_WRONG: _(
        "The callback token fits and the EncodingAESKey does not: enter the same key here and at DingTalk."
    ),
    Hint.RECEIVER_IS_OTHER_SUITE: _("Token and key fit, but it is meant for another suite: both share them."),
    Hint.RECEIVER_IS_COMPANY: _(
        "The receiver is a company: it comes from an internal app, or from a callback registered by API."
    ),
    Hint.RECEIVER_UNKNOWN: _("The receiver is not this suite's key: check the suite key here."),
    Hint.MESSAGE_UNREADABLE: _("It is authentic, but not a message that can be read; it is kept as dead."),
    Hint.MESSAGE_NAMES_OTHER_SUITE: _("It is authentic, but speaks of another suite."),
    Hint.ACCEPTED: _("With the credentials as they are now it is accepted."),
}


@dataclass(frozen=True)
class Diagnosis:
    """What is told to an operator. `subject` names the suite, receiver or rule that it is about."""

    part: Part
    hint: Hint
    part_text: Any
    cause: Any
    subject: str
    age_seconds: int | None
    is_outside_window: bool


def diagnose_request(suite: Suite, captured: CapturedRequest, *, received_at: datetime) -> Diagnosis:
    """Return why a callback to this suite was, or would be, refused."""
    finding = diagnose(
        captured.parameters,
        captured.body,
        own=list(_credentials_of(suite, now=received_at)),
        others=list(_credentials_of_others(suite, now=received_at)),
    )
    return _in_words(finding, suite, captured, received_at)


def _in_words(finding: Finding, suite: Suite, captured: CapturedRequest, received_at: datetime) -> Diagnosis:
    timestamp = dict(captured.parameters).get("timestamp", "")
    sent_at, window = read_timestamp(timestamp), suite.freshness_window_seconds
    now_seconds = received_at.timestamp()
    return Diagnosis(
        part=finding.part,
        hint=finding.hint,
        part_text=PARTS[finding.part],
        cause=CAUSES[finding.hint],
        subject=visible(finding.subject),
        age_seconds=None if sent_at is None else round(now_seconds - sent_at),
        is_outside_window=window is not None
        and not is_fresh(timestamp, now_seconds=now_seconds, window_seconds=window),
    )


def _credentials_of_others(suite: Suite, *, now: datetime) -> Iterable[KnownCredential]:
    for other in Suite.objects.exclude(pk=suite.pk)[:MOST_OTHER_SUITES]:
        yield from _credentials_of(other, now=now)


def _credentials_of(suite: Suite, *, now: datetime) -> Iterable[KnownCredential]:
    """Every pair of a token and a key of the suite, those in use first."""
    try:
        tokens = _values(suite, "callback_token", now=now)
        keys = _values(suite, "encoding_aes_key", now=now)
    except DecryptionError:
        return
    pairs = [
        KnownCredential(
            suite_key=suite.suite_key,
            suite_name=str(suite),
            is_live=token_is_live and key_is_live,
            token=token,
            aes_key=decode_aes_key(key),
        )
        for token, token_is_live in tokens
        for key, key_is_live in keys
    ]
    yield from sorted(pairs, key=lambda pair: not pair.is_live)


def _values(suite: Suite, name: str, *, now: datetime) -> list[tuple[str, bool]]:
    """The current and the previous value of a secret, each with whether it is in use."""
    current, previous = getattr(suite, name), getattr(suite, f"{name}_previous")
    until = getattr(suite, f"{name}_previous_until")
    return [(current, True), *([(previous, now < until)] if previous and until else [])]
