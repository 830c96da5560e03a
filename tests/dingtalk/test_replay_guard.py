"""An old or repeated envelope changes nothing, and is counted; a suite may refuse what is old."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from dingtalk import previous_use
from dingtalk.credentials import callback_credentials
from dingtalk.models import ReceivedPush, Suite
from tests.dingtalk.test_callbacks import NEW_TOKEN, rotate
from tests.support.callback_signer import Signer
from tests.support.callbacks import ENCODING_AES_KEY, SUITE_KEY, TOKEN, Callbacks

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
EVENT = {"EventType": "org_change", "CorpId": "ding01"}


def use_window(suite: Suite, seconds: int | None) -> None:
    Suite.objects.filter(pk=suite.pk).update(freshness_window_seconds=seconds)
    callback_credentials.clear()


def ms(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


def test_repeats_of_an_envelope_are_acknowledged_and_counted(callbacks: Callbacks) -> None:
    query, body = callbacks.signer.push(EVENT)

    replies = [callbacks.send(query, body) for _ in range(4)]

    assert all(callbacks.is_acknowledged(reply) for reply in replies)
    assert ReceivedPush.objects.get().repeats == 3


@time_machine.travel(NOW, tick=False)
def test_without_a_window_nothing_is_refused_for_its_age(callbacks: Callbacks) -> None:
    reply = callbacks.push(EVENT, timestamp=ms(NOW - timedelta(days=400)))

    assert callbacks.is_acknowledged(reply)


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize("unit", ["milliseconds", "seconds"])
@pytest.mark.parametrize(("age_seconds", "is_taken"), [(0, True), (599, True), (601, False), (-601, False)])
def test_with_a_window_only_what_is_inside_it_is_taken(
    callbacks: Callbacks, unit: str, age_seconds: int, is_taken: bool
) -> None:
    use_window(callbacks.suite, 600)
    moment = NOW - timedelta(seconds=age_seconds)
    timestamp = ms(moment) if unit == "milliseconds" else str(int(moment.timestamp()))

    reply = callbacks.push(EVENT, timestamp=timestamp)

    assert (reply.status_code == 200) is is_taken
    assert ReceivedPush.objects.exists() is is_taken


@time_machine.travel(NOW, tick=False)
def test_with_a_window_a_timestamp_that_is_none_is_refused(callbacks: Callbacks) -> None:
    use_window(callbacks.suite, 600)

    assert callbacks.push(EVENT, timestamp="59").status_code == 400


def test_the_use_of_a_previous_credential_is_noted_once_a_minute(callbacks: Callbacks) -> None:
    rotate(callbacks.suite, token=NEW_TOKEN)
    previous_use._noted.clear()
    callbacks.signer = Signer(TOKEN, ENCODING_AES_KEY, SUITE_KEY)

    def used_after(seconds: int) -> Suite:
        with time_machine.travel(NOW + timedelta(seconds=seconds), tick=False):
            Suite.objects.filter(pk=callbacks.suite.pk).update(
                callback_token_previous_until=NOW + timedelta(days=2)
            )
            assert callbacks.is_acknowledged(callbacks.push({**EVENT, "n": seconds}))
        return Suite.objects.get(pk=callbacks.suite.pk)

    callback_credentials.clear()
    assert used_after(0).callback_token_previous_used_at == NOW
    assert used_after(30).callback_token_previous_used_at == NOW
    suite = used_after(61)
    assert suite.callback_token_previous_used_at == NOW + timedelta(seconds=61)
    assert suite.encoding_aes_key_previous_used_at is None
