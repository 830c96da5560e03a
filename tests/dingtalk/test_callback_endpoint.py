"""The table of answers (style.md, section 2), and what DingTalk's clients are known to send."""

import json
import logging
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection

from dingtalk.foundation.redaction import register_secret
from dingtalk.foundation.seldom import Seldom
from dingtalk.models import ReceivedPush, Suite, SuiteTicket
from isv_portal.log_config import JsonFormatter
from tests.support.callback_signer import Signer
from tests.support.callbacks import CORP_ID, Callbacks, sync_push, sync_row, ticket_push
from tests.support.locked_database import held_up
from tests.support.protocol_fixtures import event_names, load_event

URL_CHECKS = ["check_url", "check_create_suite_url", "check_update_suite_url"]
PUSHED_EVENTS = [name for name in event_names() if name not in URL_CHECKS]


@pytest.mark.parametrize("name", PUSHED_EVENTS)
def test_an_event_is_acknowledged_and_stored(callbacks: Callbacks, name: str) -> None:
    reply = callbacks.push(load_event(name))

    assert callbacks.is_acknowledged(reply)
    assert ReceivedPush.objects.get().body.startswith(b"{")


def test_an_event_of_an_unknown_type_is_acknowledged_and_stored(callbacks: Callbacks) -> None:
    reply = callbacks.push({"EventType": "what_nobody_has_heard_of", "CorpId": CORP_ID})

    assert callbacks.is_acknowledged(reply)
    assert ReceivedPush.objects.count() == 1


def test_a_push_seen_before_is_acknowledged_and_stored_once(callbacks: Callbacks, signer: Signer) -> None:
    query, body = signer.push(load_event("org_suite_auth"))

    replies = [callbacks.send(query, body) for _ in range(3)]

    assert all(callbacks.is_acknowledged(reply) for reply in replies)
    assert ReceivedPush.objects.count() == 1


@pytest.mark.parametrize("name", URL_CHECKS)
def test_a_url_check_is_acknowledged_and_not_stored(callbacks: Callbacks, name: str) -> None:
    reply = callbacks.push(load_event(name))

    assert callbacks.is_acknowledged(reply)
    assert not ReceivedPush.objects.exists()
    assert Suite.objects.get().callback_verified_at is not None


def test_the_check_of_a_suite_without_a_key_is_acknowledged_with_its_own_key(
    callbacks: Callbacks, signer: Signer
) -> None:
    signer.owner_key = "suite4xxxxxxxxxxxxxxx"

    reply = callbacks.push(load_event("check_create_suite_url"))

    assert callbacks.is_acknowledged(reply)


def test_the_key_of_a_suite_without_a_key_opens_nothing_else(callbacks: Callbacks, signer: Signer) -> None:
    signer.owner_key = "suite4xxxxxxxxxxxxxxx"

    reply = callbacks.push(load_event("suite_ticket"))

    assert reply.status_code == 400
    assert not ReceivedPush.objects.exists()


def test_what_is_authentic_but_no_json_is_acknowledged_and_stored(callbacks: Callbacks) -> None:
    replies = [callbacks.push(message) for message in (b"\xff\x00not json", b"[]", b"{}", b"")]

    assert all(callbacks.is_acknowledged(reply) for reply in replies)
    assert ReceivedPush.objects.count() == 4


def test_a_wrong_signature_is_refused_and_leaves_nothing(callbacks: Callbacks, signer: Signer) -> None:
    query, body = signer.push(load_event("suite_ticket"))

    reply = callbacks.send({**query, "signature": "0" * 40}, body)

    assert reply.status_code == 400
    assert not ReceivedPush.objects.exists()
    assert not SuiteTicket.objects.exists()


def test_an_event_of_another_suite_is_refused(callbacks: Callbacks) -> None:
    reply = callbacks.push({"EventType": "suite_ticket", "SuiteKey": "suiteother", "SuiteTicket": "t" * 8})

    assert reply.status_code == 400
    assert not SuiteTicket.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["suite_ticket", "org_suite_auth"])
def test_what_cannot_be_stored_in_time_is_not_acknowledged(
    callbacks: Callbacks, signer: Signer, name: str
) -> None:
    query, body = signer.push(load_event(name))

    with held_up() as watch:
        refused = callbacks.send(query, body)
    accepted = callbacks.send(query, body)

    assert watch.seconds < 1.2
    assert refused.status_code == 503
    assert refused.content == b""
    assert callbacks.is_acknowledged(accepted)
    assert ReceivedPush.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_url_check_needs_no_database_that_can_be_written(callbacks: Callbacks) -> None:
    callbacks.push(load_event("suite_ticket"))

    with held_up():
        reply = callbacks.push(load_event("check_url"))

    assert callbacks.is_acknowledged(reply)


@pytest.mark.django_db(transaction=True)
def test_an_ordinary_push_takes_one_query(callbacks: Callbacks, django_assert_num_queries: Any) -> None:
    callbacks.push(sync_push(sync_row({"syncAction": "user_add_org"})))

    counted: AbstractContextManager[Any] = django_assert_num_queries(1)
    with counted:
        reply = callbacks.push(sync_push(sync_row({"syncAction": "user_modify_org"})))

    assert callbacks.is_acknowledged(reply)
    assert ReceivedPush.objects.count() == 2


def test_a_suite_whose_stored_key_is_unreadable_gets_no_acknowledgement(callbacks: Callbacks) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dingtalk_suite SET callback_token = 'k1:broken'")

    reply = callbacks.push(load_event("suite_ticket"))

    assert reply.status_code == 503


def test_while_nothing_can_be_stored_one_refusal_in_many_is_logged_with_its_traceback(
    callbacks: Callbacks, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dingtalk.callback_endpoint._tracebacks", Seldom(seconds=60))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dingtalk_suite SET callback_token = 'k1:broken'")

    for _ in range(3):
        callbacks.push(load_event("suite_ticket"))

    refused = [record for record in caplog.records if record.message == "callback_not_received"]
    assert [bool(record.exc_info) for record in refused] == [True, False, False]


# --- What the platform and its SDKs are known to send (clients.md, "Callback endpoint") ---


def test_both_names_of_the_signature_and_of_the_timestamp_are_taken(
    callbacks: Callbacks, signer: Signer
) -> None:
    query, body = signer.push(load_event("suite_ticket"))
    renamed = {
        "msg_signature": query["signature"],
        "timeStamp": query["timestamp"],
        "nonce": query["nonce"],
    }

    assert callbacks.is_acknowledged(callbacks.send(renamed, body))
    assert callbacks.is_acknowledged(callbacks.send({**query, **renamed}, body))


def test_parameters_that_are_not_dingtalks_are_passed_over(callbacks: Callbacks, signer: Signer) -> None:
    query, body = signer.push(load_event("suite_ticket"))

    assert callbacks.is_acknowledged(callbacks.send({"suite": "mine", **query}, body))


@pytest.mark.parametrize("timestamp", ["1700000000", "59", "1700000000000.25", "0", "99999999999999"])
def test_no_timestamp_is_refused_for_its_value(callbacks: Callbacks, timestamp: str) -> None:
    reply = callbacks.push(load_event("suite_ticket"), timestamp=timestamp)

    assert callbacks.is_acknowledged(reply)


@pytest.mark.parametrize("how", [{"nonce": ""}, {"timestamp": ""}])
def test_an_empty_nonce_or_timestamp_is_refused(callbacks: Callbacks, how: dict[str, str]) -> None:
    assert callbacks.push(load_event("suite_ticket"), **how).status_code == 400


def test_padding_to_blocks_of_16_is_taken(callbacks: Callbacks) -> None:
    for length in range(16):
        reply = callbacks.push({"EventType": "odd", "fill": "x" * length}, block=16)
        assert callbacks.is_acknowledged(reply)


def test_base64_with_line_breaks_is_taken(callbacks: Callbacks, signer: Signer) -> None:
    encrypt = signer.encrypt(signer.frame(b'{"EventType":"odd"}'))
    broken = "\n".join(encrypt[start : start + 76] for start in range(0, len(encrypt), 76)) + "\n"

    assert callbacks.is_acknowledged(callbacks.send(*signer.envelope(broken)))


@pytest.mark.parametrize("owner_key", ["", "suitekq7ymx3wq2ulr9v", "suitekq7ymx3wq2ulr9vdx", "other"])
def test_the_tail_must_be_exactly_the_suite_key(callbacks: Callbacks, signer: Signer, owner_key: str) -> None:
    encrypt = signer.encrypt(signer.frame(b'{"EventType":"odd"}', owner_key=owner_key))

    assert callbacks.send(*signer.envelope(encrypt)).status_code == 400


@pytest.mark.parametrize("depth", [100, 20_000])
def test_deeply_nested_json_is_no_server_error(callbacks: Callbacks, signer: Signer, depth: int) -> None:
    message = b'{"EventType":"odd","a":' + b"[" * depth + b"]" * depth + b"}"
    query, _ = signer.push(b"{}")

    pushed = callbacks.push(message)
    as_envelope = callbacks.send(query, message)

    assert callbacks.is_acknowledged(pushed)
    assert as_envelope.status_code == 400


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 10_000, 20])
def test_a_forged_length_is_refused(callbacks: Callbacks, signer: Signer, length: int) -> None:
    frame = bytearray(signer.frame(b'{"EventType":"odd"}'))
    frame[16:20] = length.to_bytes(4, "big")

    reply = callbacks.send(*signer.envelope(signer.encrypt(bytes(frame))))

    assert reply.status_code == 400


def test_the_url_works_without_its_last_slash(callbacks: Callbacks, signer: Signer) -> None:
    query, body = signer.push(load_event("suite_ticket"))

    reply = callbacks.client.post(f"/callback/{callbacks.suite.path_slug}?{urlencode(query)}", body)

    assert callbacks.is_acknowledged(reply)


def test_what_is_pushed_to_the_random_is_never_encrypted_back(callbacks: Callbacks, signer: Signer) -> None:
    reply = callbacks.push(load_event("check_update_suite_url"))

    assert signer.open(reply.json()) == b"success"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(callbacks: Callbacks, method: str) -> None:
    reply = callbacks.client.send(method, f"/callback/{callbacks.suite.path_slug}/")

    assert reply.status_code == 405
    assert reply["Allow"] == "POST"


@pytest.mark.parametrize("path", ["/callback/", "/callback/slug/more/of/it", "/callback//"])
def test_an_unknown_path_is_refused_as_every_other_callback(callbacks: Callbacks, path: str) -> None:
    unknown_path = callbacks.client.post(path)
    not_a_callback = callbacks.client.post("/callback/slug/")

    assert unknown_path.status_code == not_a_callback.status_code == 400
    assert unknown_path.content == not_a_callback.content
    assert unknown_path["Content-Type"] == not_a_callback["Content-Type"]


def test_a_failure_of_ours_is_not_acknowledged_and_asks_to_come_again(
    callbacks: Callbacks, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    query, body = signer.push(load_event("check_url"))
    # An error that nobody has thought of, out of the operating system.
    monkeypatch.setattr("secrets.token_bytes", lambda _: 1 / 0)

    reply = callbacks.send(query, body, HTTP_X_REQUEST_ID="r-1")

    assert reply.status_code == 503
    assert reply["Retry-After"] == "1"
    assert reply["X-Request-ID"] == "r-1"
    assert reply.content == b""


def test_a_refusal_is_in_the_log_without_content(
    callbacks: Callbacks, signer: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    query, body = signer.push({"EventType": "odd", "secret": "do-not-log-me"})
    caplog.set_level(logging.DEBUG)

    callbacks.send({**query, "nonce": "replaced-nonce"}, body)

    [record] = (record for record in caplog.records if record.message == "callback_refused")
    assert record.reason == "SignatureMismatch"
    logged = json.dumps([record.__dict__ for record in caplog.records], default=str)
    for secret in (query["signature"], "replaced-nonce", json.loads(body)["encrypt"][:40], "do-not-log-me"):
        assert secret not in logged


def test_a_ticket_is_stored_with_its_push(callbacks: Callbacks) -> None:
    reply = callbacks.push(ticket_push("ticket-0001"))

    assert callbacks.is_acknowledged(reply)
    assert SuiteTicket.objects.get().ticket == "ticket-0001"


def test_a_push_has_one_line_in_the_log_with_the_id_of_its_request(
    callbacks: Callbacks, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    reply = callbacks.push(load_event("org_suite_auth"))

    [record] = caplog.records
    line = json.loads(JsonFormatter().format(record))
    assert (line["event"], line["request_id"]) == ("callback_received", reply["X-Request-ID"])
    assert (line["event_type"], line["is_new"]) == ("SYNC_HTTP_PUSH_HIGH", True)
    assert line["suite_key"] == callbacks.suite.suite_key
    assert line["timestamp"].endswith("Z")


def test_a_secret_that_is_pushed_as_an_event_type_is_masked(
    callbacks: Callbacks, caplog: pytest.LogCaptureFixture
) -> None:
    register_secret("a-secret-event-type")
    caplog.set_level(logging.INFO)

    reply = callbacks.push({"EventType": "a-secret-event-type"})

    assert callbacks.is_acknowledged(reply)
    assert "a-secret-event-type" not in "".join(JsonFormatter().format(record) for record in caplog.records)
