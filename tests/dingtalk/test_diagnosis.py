"""Why a callback was refused: the operator learns the part and the likely cause, the caller neither."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from dingtalk.captured_requests import UnreadableCapture, read_capture
from dingtalk.credentials import callback_credentials
from dingtalk.diagnosis import CAUSES, PARTS, diagnose_request
from dingtalk.models import CallbackRefusal, Suite
from dingtalk.protocol.diagnosis import Hint, Part
from dingtalk.refusal_log import MAX_SAMPLE_BYTES, refusal_log
from tests.support.admin_rows import make_superuser
from tests.support.callback_signer import Signer
from tests.support.callbacks import ENCODING_AES_KEY, OTHER_AES_KEY, SUITE_KEY, TOKEN, Callbacks, make_suite

MESSAGE = {"EventType": "org_change", "CorpId": "ding01"}
OTHER_KEY_TEXT = "Zk2nV7bQ9xR4tY6uP1sD3fG5hJ8kL0wE2rT4yU6iO8p"
Request = tuple[Any, bytes]

own = Signer(TOKEN, ENCODING_AES_KEY, SUITE_KEY)
other = Signer("othertoken0001", OTHER_AES_KEY, "suiteother")
ended = Signer("endedtoken0001", OTHER_KEY_TEXT, SUITE_KEY)
stranger = Signer("strangertoken1", "b" * 43, "suitestranger")


def with_body(body: bytes) -> Request:
    return own.push(MESSAGE)[0], body


def resigned(signer: Signer, encrypt: str) -> Request:
    return signer.envelope(encrypt)


def encrypted_by(signer: Signer, **frame: Any) -> str:
    return signer.encrypt(signer.frame(json.dumps(MESSAGE).encode(), **frame))


def cut_query(name: str) -> Request:
    query, body = own.push(MESSAGE)
    return {key: value for key, value in query.items() if key != name}, body


def with_line_breaks_removed() -> Request:
    text = encrypted_by(own)
    query, _ = own.envelope(f"{text[:76]}\n{text[76:]}\n")
    return query, json.dumps({"encrypt": text}).encode()


CASES: dict[str, tuple[Callable[[], Request], Part, Hint]] = {
    "an empty body": (lambda: with_body(b""), Part.SHAPE, Hint.BODY_EMPTY),
    "a form": (lambda: with_body(b"encrypt=QUJD%2B"), Part.SHAPE, Hint.BODY_IS_FORM),
    "a plain event": (lambda: with_body(json.dumps(MESSAGE).encode()), Part.SHAPE, Hint.BODY_IS_PLAIN),
    "a page": (lambda: with_body(b"<html>"), Part.SHAPE, Hint.BODY_NOT_JSON),
    "spaces for plus signs": (lambda: with_body(b'{"encrypt":"QUJ DQ=="}'), Part.SHAPE, Hint.PLUS_DECODED),
    "no signature": (lambda: cut_query("signature"), Part.SHAPE, Hint.QUERY_INCOMPLETE),
    "no nonce": (lambda: cut_query("nonce"), Part.SHAPE, Hint.QUERY_INCOMPLETE),
    "another suite's push": (lambda: other.push(MESSAGE), Part.SIGNATURE, Hint.TOKEN_OF_OTHER_SUITE),
    "an ended token": (
        lambda: resigned(ended, encrypted_by(own)),
        Part.SIGNATURE,
        Hint.TOKEN_ENDED,
    ),
    "only the token is wrong": (
        lambda: resigned(stranger, encrypted_by(own)),
        Part.SIGNATURE,
        Hint.ONLY_TOKEN_WRONG,
    ),
    "another suite's message, signed by a stranger": (
        lambda: resigned(stranger, encrypted_by(other)),
        Part.SIGNATURE,
        Hint.MEANT_FOR_OTHER_SUITE,
    ),
    "a stranger": (lambda: stranger.push(MESSAGE), Part.SIGNATURE, Hint.NOTHING_FITS),
    "line breaks removed on the way": (with_line_breaks_removed, Part.SIGNATURE, Hint.LINE_BREAKS_CHANGED),
    "another suite's key": (lambda: resigned(own, encrypted_by(other)), Part.KEY, Hint.KEY_OF_OTHER_SUITE),
    "an ended key": (lambda: resigned(own, encrypted_by(ended)), Part.KEY, Hint.KEY_ENDED),
    "an unknown key": (lambda: resigned(own, encrypted_by(stranger)), Part.KEY, Hint.KEY_WRONG),
    "half a block": (lambda: resigned(own, "QUJD" * 20), Part.KEY, Hint.CIPHERTEXT_DAMAGED),
    "another suite as receiver": (
        lambda: resigned(own, encrypted_by(own, owner_key="suiteother")),
        Part.RECEIVER,
        Hint.RECEIVER_IS_OTHER_SUITE,
    ),
    "a company as receiver": (
        lambda: resigned(own, encrypted_by(own, owner_key="ding7f3c91a05be842d6")),
        Part.RECEIVER,
        Hint.RECEIVER_IS_COMPANY,
    ),
    "an unknown receiver": (
        lambda: resigned(own, encrypted_by(own, owner_key="suitesomebody")),
        Part.RECEIVER,
        Hint.RECEIVER_UNKNOWN,
    ),
    "a message of another suite": (
        lambda: own.push({**MESSAGE, "SuiteKey": "suiteother"}),
        Part.MESSAGE,
        Hint.MESSAGE_NAMES_OTHER_SUITE,
    ),
    "no JSON": (lambda: own.push(b"hello"), Part.MESSAGE, Hint.MESSAGE_UNREADABLE),
    "a good one": (lambda: own.push(MESSAGE), Part.NOTHING, Hint.ACCEPTED),
}


@pytest.fixture
def suites(suite: Suite) -> Suite:
    """The suite with a token and a key that have ended, and another suite beside it."""
    make_suite(
        name="审批助手",
        suite_id="31415002",
        suite_key="suiteother",
        callback_token=other.token,
        encoding_aes_key=OTHER_AES_KEY,
    )
    until = timezone.now() - timedelta(hours=1)
    suite.callback_token_previous, suite.callback_token_previous_until = ended.token, until
    suite.encoding_aes_key_previous, suite.encoding_aes_key_previous_until = OTHER_KEY_TEXT, until
    suite.save()
    callback_credentials.clear()
    return suite


def capture(suite: Suite, query: dict[str, str], body: bytes) -> bytes:
    url = f"https://portal.example.com/callback/{suite.path_slug}/?{urlencode(query)}"
    return json.dumps({"url": url, "body": body.decode()}).encode()


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_the_part_and_the_cause_are_found(suites: Suite, case: Any) -> None:
    make, part, hint = case

    found = diagnose_request(suites, read_capture(capture(suites, *make())), received_at=timezone.now())

    assert (found.part, found.hint) == (part, hint)


def test_every_part_and_hint_has_words() -> None:
    assert set(PARTS) == set(Part)
    assert set(CAUSES) == set(Hint)


def page_of_refusal() -> str:
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(make_superuser())
    refusal = CallbackRefusal.objects.get()
    return browser.get(f"/admin/dingtalk/callbackrefusal/{refusal.pk}/change/").content.decode()


def test_the_operator_sees_the_cause_of_what_the_caller_sees_no_more_of(
    suites: Suite, callbacks: Callbacks
) -> None:
    reply = callbacks.send(*resigned(own, encrypted_by(other)))

    refusal = CallbackRefusal.objects.get()
    page = page_of_refusal()
    assert reply.content == b"Bad request\n"
    assert (refusal.suite, refusal.reason, refusal.count) == (suites, "DecryptionFailed", 1)
    assert "another suite: two are mixed up" in page
    assert "审批助手" in page
    assert TOKEN not in page


def test_many_refusals_cost_one_write_a_second_and_are_all_counted(
    suites: Suite, callbacks: Callbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([*[100.0] * 20, 101.5])
    monkeypatch.setattr("dingtalk.refusal_log.monotonic", lambda: next(clock))
    refusal_log.clear()

    for number in range(21):
        callbacks.send(*(stranger if number % 2 else other).push(MESSAGE))
        if number == 19:
            assert CallbackRefusal.objects.get().count == 1

    assert CallbackRefusal.objects.get().count == 21


def test_a_refusal_of_no_suite_keeps_no_sample(suites: Suite, callbacks: Callbacks) -> None:
    refusal_log.clear()
    query, body = own.push(MESSAGE)

    callbacks.send(query, body, slug="0" * 40)

    refusal = CallbackRefusal.objects.get()
    assert (refusal.suite, refusal.reason, refusal.sample) == (None, "UnknownSuite", None)
    assert "copy it from the suite" in page_of_refusal()


def test_the_operator_is_told_of_a_callback_that_is_wrong_in_its_time_only(
    suites: Suite, callbacks: Callbacks
) -> None:
    Suite.objects.filter(pk=suites.pk).update(freshness_window_seconds=60)
    callback_credentials.invalidate(suites.path_slug)
    sent_at = timezone.now() - timedelta(days=3)

    callbacks.send(*own.push(MESSAGE, timestamp=str(int(sent_at.timestamp() * 1000))))

    page = page_of_refusal()
    assert "it was held up on the way" in page
    assert "3\xa0days ago" in page
    assert "it is accepted" not in page


def test_refusals_are_filtered_by_their_reason_in_words(suites: Suite, callbacks: Callbacks) -> None:
    callbacks.send(*resigned(own, encrypted_by(other)))
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(make_superuser())

    def listed(reason: str) -> str:
        return browser.get("/admin/dingtalk/callbackrefusal/", {"reason": reason}).content.decode()

    assert str(suites) in listed("DecryptionFailed")
    assert "/change/" not in listed("SignatureMismatch")
    suite_page = browser.get(f"/admin/dingtalk/suite/{suites.pk}/change/").content.decode()
    assert "1 in the last 7 days" in suite_page


def test_a_large_refused_body_is_counted_without_a_sample(suites: Suite, callbacks: Callbacks) -> None:
    callbacks.send(own.push(MESSAGE)[0], b'{"encrypt":"' + b"A" * MAX_SAMPLE_BYTES + b'"}')

    assert CallbackRefusal.objects.get().sample is None


def test_a_refusal_that_cannot_be_noted_is_answered_all_the_same(suites: Suite, callbacks: Callbacks) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE dingtalk_callbackrefusal RENAME TO elsewhere")

    answers = [callbacks.send(*stranger.push(MESSAGE)).status_code for _ in range(3)]

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE elsewhere RENAME TO dingtalk_callbackrefusal")
    assert answers == [400, 400, 400]


class TestCommand:
    """`manage.py diagnose_callback`."""

    def test_a_captured_request_is_diagnosed(
        self, suites: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "capture.json"
        file.write_bytes(capture(suites, *resigned(stranger, encrypted_by(own))))

        with pytest.raises(SystemExit) as ended_with:
            call_command("diagnose_callback", str(file), "--json")

        said = json.loads(capsys.readouterr().out)
        assert ended_with.value.code == 1
        assert (said["part"], said["hint"]) == ("signature", "only_token_wrong")

    def test_a_raw_http_request_is_read_too(
        self, suites: Suite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        query, body = own.push(MESSAGE)
        file = tmp_path / "capture.txt"
        head = f"POST /hook?{urlencode(query)} HTTP/1.1\r\nHost: portal.example.com\r\n\r\n"
        file.write_bytes(head.encode() + body)

        with override("en"):
            call_command("diagnose_callback", str(file), "--suite", SUITE_KEY)

        assert "accepted" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", [b"", b"GET / HTTP/1.1\n\n", b'{"url": 1}', b'{"url": "http://[::1", "body": ""}', b"\xff\xfe"]
)
def test_what_is_no_capture_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(UnreadableCapture):
        read_capture(content)
