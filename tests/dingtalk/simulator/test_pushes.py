"""Pushes: how they are sealed, how replies are judged, and when they are repeated."""

import json
import socket
import threading
import time
from typing import Any

import pytest

from tests.dingtalk.simulator.conftest import make_company, receiving
from tests.dingtalk.simulator.isv import Isv, Receiver, eventually, plainly, saying, success
from tests.support.callback_signer import Signer

EVENT = {"EventType": "anything", "TimeStamp": 1, "name": "中文"}


def push_of(isv: Isv, push_id: int) -> dict[str, Any]:
    return next(
        push for push in isv.remote.pushes(suite_key=isv.suite_key)["pushes"] if push["id"] == push_id
    )


def ended(isv: Isv, push_id: int) -> dict[str, Any]:
    """A push that will not be repeated any more."""
    return eventually(
        lambda: (push := push_of(isv, push_id))["state"] in ("delivered", "failed", "superseded") and push
    )


def test_an_event_arrives_signed_and_sealed_as_it_was_given(sync_isv: Isv, sync_receiver: Receiver):
    before_ms = int(time.time() * 1000)

    result = sync_isv.remote.push_event(sync_isv.suite_key, EVENT)

    assert result["accepted"] is True
    assert sync_receiver.documents == [EVENT]
    assert "signature" in sync_receiver.queries[0]
    assert before_ms <= int(sync_receiver.queries[0]["timestamp"]) <= time.time() * 1000
    (push,) = result["pushes"]
    assert push["state"] == "delivered"
    assert push["attempts"][0]["elapsed_ms"] > 0


def test_the_other_name_of_the_signature_can_be_chosen(sync_isv: Isv, sync_receiver: Receiver):
    path = f"/_sim/suites/{sync_isv.suite_key}"
    sync_isv.remote._call("PUT", path, {"signature_parameter": "msg_signature"})

    assert sync_isv.remote.push_event(sync_isv.suite_key, EVENT)["accepted"] is True
    assert "msg_signature" in sync_receiver.queries[0]


def test_a_callback_url_keeps_its_own_query(sync_isv: Isv, sync_receiver: Receiver):
    sync_isv.remote.set_callback_url(sync_isv.suite_key, f"{sync_receiver.url}?suite=a%20b")

    assert sync_isv.remote.push_event(sync_isv.suite_key, EVENT)["accepted"] is True
    assert sync_receiver.queries[0]["suite"] == "a b"


BAD_REPLIES = [
    pytest.param(plainly(400, b""), "http statusCode is:400", id="http-400"),
    pytest.param(plainly(302, b""), "http statusCode is:302", id="redirect"),
    pytest.param(plainly(200, b"success"), "71009 field check", id="not-json"),
    pytest.param(plainly(200, b"[]"), "71009 field check", id="no-object"),
    pytest.param(plainly(200, b"{}"), "71009 field check", id="no-members"),
    pytest.param(plainly(200, b"[" * 100_000), "71009 field check", id="deep-json"),
    pytest.param(saying("success", timeStamp=1700000000), "71009 field check", id="time-is-a-number"),
    pytest.param(saying("success", msg_signature="0" * 40), "71009 signature", id="signature"),
    pytest.param(saying("success", nonce="other"), "71009 signature", id="nonce-not-signed"),
    pytest.param(saying("fail"), "71009 reply text is not success", id="fail"),
    pytest.param(saying("Success"), "71009 reply text is not success", id="upper-case"),
    pytest.param(saying(""), "71009 reply text is not success", id="empty-text"),
]


@pytest.mark.parametrize(("reply", "reason"), BAD_REPLIES)
def test_a_reply_that_is_not_a_sealed_success_has_failed(
    sync_isv: Isv, sync_receiver: Receiver, reply: Any, reason: str
):
    sync_receiver.reply = reply

    result = sync_isv.remote.push_event(sync_isv.suite_key, EVENT)

    assert result["accepted"] is False
    assert result["pushes"][0]["reason"].startswith(reason)


@pytest.mark.parametrize("width", [76, 60], ids=["python-3", "ruby"])
def test_a_reply_with_the_line_breaks_of_official_classes_counts(
    sync_isv: Isv, sync_receiver: Receiver, width: int
):
    def reply(signer: Signer, _document: Any) -> tuple[int, bytes]:
        text = signer.encrypt(signer.frame(b"success"))
        broken = "".join(f"{text[at : at + width]}\n" for at in range(0, len(text), width))
        query, _body = signer.envelope(broken)
        members = {"msg_signature": query["signature"], "timeStamp": query["timestamp"]}
        return 200, json.dumps({**members, "nonce": query["nonce"], "encrypt": broken}).encode()

    sync_receiver.reply = reply

    assert sync_isv.remote.push_event(sync_isv.suite_key, EVENT)["accepted"] is True


def test_a_reply_for_another_owner_has_failed(sync_isv: Isv, sync_receiver: Receiver):
    sync_receiver.signer.owner_key = "suiteother"
    reply = saying("success")(sync_receiver.signer, {})
    sync_receiver.signer.owner_key = sync_isv.suite_key
    sync_receiver.reply = plainly(*reply)

    result = sync_isv.remote.push_event(sync_isv.suite_key, EVENT)

    assert "owner key" in result["pushes"][0]["reason"]


def test_a_reply_after_the_deadline_has_failed_also_when_it_is_right(sync_isv: Isv, sync_receiver: Receiver):
    sync_isv.remote._call("PUT", f"/_sim/suites/{sync_isv.suite_key}", {"deadline_ms": 100})

    def late(signer: Any, document: Any) -> tuple[int, bytes]:
        time.sleep(0.2)
        return success(signer, document)

    sync_receiver.reply = late

    result = sync_isv.remote.push_event(sync_isv.suite_key, EVENT)

    assert result["pushes"][0]["reason"] == "timedout"
    assert result["pushes"][0]["attempts"][0]["elapsed_ms"] >= 100


def test_a_url_where_nobody_listens_has_failed(sync_isv: Isv):
    receiver = receiving(sync_isv)
    receiver._server.server_close()

    result = sync_isv.remote.push_event(sync_isv.suite_key, EVENT)

    assert result["pushes"][0]["reason"].startswith("71012")


def test_without_a_callback_url_nothing_is_repeated(sync_isv: Isv):
    (push,) = sync_isv.remote.push_event(sync_isv.suite_key, EVENT)["pushes"]

    assert ended(sync_isv, push["id"])["reason"].startswith("71011")
    assert len(push_of(sync_isv, push["id"])["attempts"]) == 1


def test_a_failed_event_is_repeated_twice_in_fresh_envelopes_and_then_given_up(
    sync_isv: Isv, sync_receiver: Receiver
):
    sync_receiver.reply = plainly(503, b"")

    (push,) = sync_isv.remote.push_event(sync_isv.suite_key, EVENT)["pushes"]

    attempts = ended(sync_isv, push["id"])["attempts"]
    assert push_of(sync_isv, push["id"])["state"] == "failed"
    assert len(attempts) == 3
    assert attempts[1]["at_ms"] - attempts[0]["at_ms"] >= 30
    assert attempts[2]["at_ms"] - attempts[1]["at_ms"] >= 60
    assert len({query["nonce"] for query in sync_receiver.queries}) == 3
    assert len({query["timestamp"] for query in sync_receiver.queries}) == 3
    assert len(set(sync_receiver.bodies)) == 3
    assert sync_receiver.documents == [EVENT] * 3


def test_a_repeat_that_is_acknowledged_ends_the_repeats(sync_isv: Isv, sync_receiver: Receiver):
    def second_time(signer: Any, document: Any) -> tuple[int, bytes]:
        return success(signer, document) if len(sync_receiver.documents) > 1 else (500, b"")

    sync_receiver.reply = second_time

    (push,) = sync_isv.remote.push_event(sync_isv.suite_key, EVENT)["pushes"]

    assert ended(sync_isv, push["id"])["state"] == "delivered"
    assert len(sync_receiver.documents) == 2


@pytest.mark.parametrize("mode", ["sync_http", "http"])
def test_a_ticket_is_repeated_longer_than_an_event(legacy_isv: Isv, sync_isv: Isv, mode: str):
    isv = sync_isv if mode == "sync_http" else legacy_isv
    with receiving(isv) as receiver:
        receiver.reply = plainly(500, b"")

        (push,) = isv.remote.push_ticket(isv.suite_key)["pushes"]

        assert ended(isv, push["id"])["state"] == "failed"
        assert len(receiver.documents) == 5


@pytest.mark.parametrize("mode", ["sync_http", "http"])
def test_a_newer_ticket_ends_the_repeats_of_the_older(legacy_isv: Isv, sync_isv: Isv, mode: str):
    isv = sync_isv if mode == "sync_http" else legacy_isv
    with receiving(isv) as receiver:
        receiver.reply = plainly(500, b"")
        (older,) = isv.remote.push_ticket(isv.suite_key)["pushes"]
        receiver.reply = success

        assert isv.remote.push_ticket(isv.suite_key)["accepted"] is True

        assert ended(isv, older["id"])["state"] == "superseded"
        assert isv.ticket in json.dumps(receiver.documents[-1])


def test_a_row_that_was_replaced_is_not_repeated(sync_isv: Isv, sync_receiver: Receiver, corp_id: str):
    sync_receiver.reply = plainly(500, b"")
    (grant,) = sync_isv.remote.act(sync_isv.suite_key, corp_id, "authorize")["pushes"]
    sync_receiver.reply = success

    sync_isv.remote.act(sync_isv.suite_key, corp_id, "relieve")

    assert ended(sync_isv, grant["id"])["state"] == "superseded"
    assert "org_suite_relieve" in sync_receiver.documents[-1]["bizData"][0]["biz_data"]


def redelivered(isv: Isv, push_id: int, **options: Any) -> dict[str, Any]:
    path = f"/_sim/suites/{isv.suite_key}/redeliver"
    return isv.remote._call("POST", path, {"push_id": push_id, "wait": True, **options})


def test_a_push_can_be_sent_again_to_the_byte(sync_isv: Isv, sync_receiver: Receiver):
    (push,) = sync_isv.remote.push_event(sync_isv.suite_key, EVENT)["pushes"]

    again = redelivered(sync_isv, push["id"])

    assert again["accepted"] is True
    assert again["pushes"][0]["redelivery_of"] == push["id"]
    assert sync_receiver.bodies[0] == sync_receiver.bodies[1]
    assert sync_receiver.queries[0] == sync_receiver.queries[1]


def test_a_push_can_be_sent_again_in_a_new_envelope(sync_isv: Isv, sync_receiver: Receiver):
    (push,) = sync_isv.remote.push_event(sync_isv.suite_key, EVENT)["pushes"]

    redelivered(sync_isv, push["id"], fresh_envelope=True)

    assert sync_receiver.bodies[0] != sync_receiver.bodies[1]
    assert sync_receiver.documents == [EVENT, EVENT]


def test_any_text_can_be_pushed(sync_isv: Isv, sync_receiver: Receiver):
    result = sync_isv.remote.push_event(sync_isv.suite_key, "not json")

    assert result["accepted"] is True
    assert sync_receiver.documents == [{"text": "not json"}]


def test_half_a_character_is_pushed_as_a_question_mark(sync_isv: Isv, sync_receiver: Receiver):
    sync_isv.remote.push_event(sync_isv.suite_key, {"EventType": "x", "name": "\ud800"})

    assert sync_receiver.documents == [{"EventType": "x", "name": "?"}]


def test_a_body_that_stalls_has_timed_out(sync_isv: Isv):
    sync_isv.remote._call("PUT", f"/_sim/suites/{sync_isv.suite_key}", {"deadline_ms": 100})
    with socket.create_server(("127.0.0.1", 0)) as stalling:
        url = f"http://127.0.0.1:{stalling.getsockname()[1]}/"
        sync_isv.remote.set_callback_url(sync_isv.suite_key, url)
        threading.Thread(target=_stall, args=(stalling,), daemon=True).start()

        result = sync_isv.remote.check_url(sync_isv.suite_key, "check_url")

    assert result["pushes"][0]["reason"] == "timedout"


def _stall(server: socket.socket) -> None:
    """Send the head of an answer and then nothing until the other side hangs up."""
    connection, _address = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        while connection.recv(65536):
            pass


@pytest.mark.parametrize("event", ["check_url", "check_create_suite_url", "check_update_suite_url"])
def test_a_url_check_takes_success(isv: Isv, event: str):
    with receiving(isv) as receiver:
        assert isv.remote.check_url(isv.suite_key, event)["accepted"] is True

        (document,) = receiver.documents
    assert document["EventType"] == event
    assert ("Random" in document) is (event != "check_url")


@pytest.mark.parametrize(("wants_random", "success_counts"), [(False, True), (True, False)])
def test_the_random_text_of_a_check_counts_always_and_success_unless_it_is_wanted(
    sync_isv: Isv, sync_receiver: Receiver, wants_random: bool, success_counts: bool
):
    path = f"/_sim/suites/{sync_isv.suite_key}"
    sync_isv.remote._call("PUT", path, {"wants_random": wants_random})

    def echo(signer: Any, document: dict[str, Any]) -> tuple[int, bytes]:
        return saying(document.get("Random", "success"))(signer, document)

    def accepted(event: str) -> bool:
        return sync_isv.remote.check_url(sync_isv.suite_key, event)["accepted"]

    assert accepted("check_create_suite_url") is success_counts
    assert accepted("check_url") is True
    sync_receiver.reply = echo
    assert accepted("check_create_suite_url") is True


def test_a_failed_url_check_is_not_repeated(sync_isv: Isv, sync_receiver: Receiver):
    sync_receiver.reply = plainly(500, b"")

    result = sync_isv.remote.check_url(sync_isv.suite_key, "check_url")

    assert result["accepted"] is False
    assert push_of(sync_isv, result["pushes"][0]["id"])["state"] == "failed"
    assert len(sync_receiver.documents) == 1


def test_pushes_are_found_by_company_and_state(
    sync_isv: Isv, sync_receiver: Receiver, corp_id: str, shared_simulator: Any
):
    other = make_company(shared_simulator)
    for each in (corp_id, other):
        sync_isv.remote.act(sync_isv.suite_key, each, "authorize")

    found = sync_isv.remote.pushes(suite_key=sync_isv.suite_key, corp_id=other, state="delivered")["pushes"]

    assert [push["corp_id"] for push in found] == [other]
    assert sync_isv.remote.pushes(since_id=found[0]["id"], corp_id=other)["pushes"] == []
