"""Nobody learns from our refusals: every reason has the same answer. And what replaying is good for."""

import base64
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse

from dingtalk.models import ReceivedPush
from tests.support.callback_signer import Signer
from tests.support.callbacks import OTHER_AES_KEY, SUITE_KEY, TOKEN, Callbacks
from tests.support.protocol_fixtures import load_event

MESSAGE = b'{"EventType":"odd"}'
Refused = Callable[[Callbacks, Signer], HttpResponse]


def _signed(callbacks: Callbacks, signer: Signer, padded: bytes) -> HttpResponse:
    return callbacks.send(*signer.envelope(signer.encrypt(padded)))


def _with_padding(value: int, *, blocks: int = 2) -> Refused:
    def send(callbacks: Callbacks, signer: Signer) -> HttpResponse:
        frame = signer.frame(MESSAGE)
        frame = frame[: -frame[-1]]
        count = -len(frame) % 16 + 16 * blocks
        return _signed(callbacks, signer, frame + bytes([value]) * count)

    return send


def _with_length(length: int) -> Refused:
    def send(callbacks: Callbacks, signer: Signer) -> HttpResponse:
        frame = signer.frame(MESSAGE)
        return _signed(callbacks, signer, frame[:16] + length.to_bytes(4, "big") + frame[20:])

    return send


def _with_owner(owner_key: str) -> Refused:
    def send(callbacks: Callbacks, signer: Signer) -> HttpResponse:
        return _signed(callbacks, signer, signer.frame(MESSAGE, owner_key=owner_key))

    return send


def _with_ciphertext(ciphertext: bytes | str) -> Refused:
    def send(callbacks: Callbacks, signer: Signer) -> HttpResponse:
        text = ciphertext if isinstance(ciphertext, str) else base64.b64encode(ciphertext).decode()
        return callbacks.send(*signer.envelope(text))

    return send


def _with_one_byte_flipped(callbacks: Callbacks, signer: Signer) -> HttpResponse:
    ciphertext = bytearray(base64.b64decode(signer.encrypt(signer.frame(MESSAGE))))
    ciphertext[-20] ^= 1
    return callbacks.send(*signer.envelope(base64.b64encode(ciphertext).decode()))


def _with_another_aes_key(callbacks: Callbacks, _signer: Signer) -> HttpResponse:
    return callbacks.send(*Signer(TOKEN, OTHER_AES_KEY, SUITE_KEY).push(MESSAGE))


def _with_another_token(callbacks: Callbacks, _signer: Signer) -> HttpResponse:
    return callbacks.send(*Signer("othertoken0001", OTHER_AES_KEY, SUITE_KEY).push(MESSAGE))


def _to_an_unknown_slug(callbacks: Callbacks, signer: Signer) -> HttpResponse:
    return callbacks.send(*signer.push(MESSAGE), slug="0" * 40)


def _to_an_odd_slug(callbacks: Callbacks, signer: Signer) -> HttpResponse:
    return callbacks.send(*signer.push(MESSAGE), slug="%00%ff%F0%9F%98%80")


def _for_another_suite(callbacks: Callbacks, _signer: Signer) -> HttpResponse:
    return callbacks.push({"EventType": "odd", "SuiteKey": "suiteother"})


def _without_signature(callbacks: Callbacks, signer: Signer) -> HttpResponse:
    query, body = signer.push(MESSAGE)
    del query["signature"]
    return callbacks.send(query, body)


def _with_upper_case_signature(callbacks: Callbacks, signer: Signer) -> HttpResponse:
    query, body = signer.push(MESSAGE)
    return callbacks.send({**query, "signature": query["signature"].upper()}, body)


def _with_two_nonces(callbacks: Callbacks, signer: Signer) -> HttpResponse:
    query, body = signer.push(MESSAGE, nonce="one")
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return callbacks.send(f"{text}&nonce=two", body)


def _with_thousands_of_parameters(callbacks: Callbacks, signer: Signer) -> HttpResponse:
    return callbacks.send("&".join(f"a{number}=" for number in range(1500)), signer.push(MESSAGE)[1])


def _with_a_long_query(callbacks: Callbacks, signer: Signer) -> HttpResponse:
    query, body = signer.push(MESSAGE)
    return callbacks.send({**query, "padding": "x" * 10_000}, body)


def _with_body(body: bytes) -> Refused:
    def send(callbacks: Callbacks, signer: Signer) -> HttpResponse:
        return callbacks.send(signer.push(MESSAGE)[0], body)

    return send


def _compressed(callbacks: Callbacks, signer: Signer) -> HttpResponse:
    return callbacks.send(*signer.push(MESSAGE), HTTP_CONTENT_ENCODING="gzip")


REFUSALS: dict[str, Refused] = {
    "padding 0": _with_padding(0),
    "padding 33": _with_padding(33),
    "padding 255": _with_padding(255),
    "padding longer than it says": _with_padding(5),
    "padding shorter than it says": _with_padding(32, blocks=0),
    "length 0": _with_length(0),
    "length one too short": _with_length(len(MESSAGE) - 1),
    "length one too long": _with_length(len(MESSAGE) + 1),
    "length of 2 GiB": _with_length(0x7FFFFFFF),
    "no owner": _with_owner(""),
    "another owner": _with_owner("suiteother"),
    "prefix of the owner": _with_owner(SUITE_KEY[:-1]),
    "one block": _with_ciphertext(bytes(16)),
    "no block": _with_ciphertext(b""),
    "part of a block": _with_ciphertext(bytes(40)),
    "blocks of zeros": _with_ciphertext(bytes(64)),
    "not base64": _with_ciphertext("====not-base64===="),
    "base64 with its end missing": _with_ciphertext("QUJD" * 21 + "Q"),
    "one byte flipped": _with_one_byte_flipped,
    "another aes key": _with_another_aes_key,
    "another token": _with_another_token,
    "unknown slug": _to_an_unknown_slug,
    "odd slug": _to_an_odd_slug,
    "another suite": _for_another_suite,
    "no signature": _without_signature,
    "upper-case signature": _with_upper_case_signature,
    "two nonces": _with_two_nonces,
    "thousands of parameters": _with_thousands_of_parameters,
    "long query": _with_a_long_query,
    "empty body": _with_body(b""),
    "a body that is no object": _with_body(b'["encrypt"]'),
    "encrypt that is no text": _with_body(b'{"encrypt": 7}'),
    "encrypt twice": _with_body(b'{"encrypt": "QQ==", "encrypt": "QQ=="}'),
    "no utf-8": _with_body(b'{"encrypt": "\xff"}'),
    "a large body": _with_body(b'{"encrypt": "' + b"A" * 1_100_000 + b'"}'),
    "a compressed body": _compressed,
}


def _visible(response: HttpResponse) -> tuple[Any, ...]:
    headers = {name: value for name, value in response.items() if name != "X-Request-ID"}
    return response.status_code, response.content, headers


def test_every_refusal_is_the_same_answer(callbacks: Callbacks, signer: Signer) -> None:
    answers = {reason: _visible(send(callbacks, signer)) for reason, send in REFUSALS.items()}

    expected = answers["unknown slug"]
    assert expected[:2] == (400, b"Bad request\n")
    assert {reason: answer for reason, answer in answers.items() if answer != expected} == {}
    assert not ReceivedPush.objects.exists()


def test_a_replay_that_is_signed_anew_is_stored_once(callbacks: Callbacks, signer: Signer) -> None:
    encrypt = signer.encrypt(signer.frame(json.dumps(load_event("org_suite_auth")).encode()))

    replies = [callbacks.send(*signer.envelope(encrypt, nonce=nonce)) for nonce in ("one", "two", "three")]

    assert all(callbacks.is_acknowledged(reply) for reply in replies)
    assert ReceivedPush.objects.count() == 1


def test_a_replay_with_characters_moved_between_the_parts_is_stored_once(
    callbacks: Callbacks, signer: Signer
) -> None:
    # Sorted, joined without a separator: "12" + "34" is "123" + "4".
    query, body = signer.push(MESSAGE, timestamp="12", nonce="34")

    replies = [
        callbacks.send({**query, "timestamp": first, "nonce": second}, body)
        for first, second in (("12", "34"), ("34", "12"), ("123", "4"), ("1", "234"))
    ]

    assert {reply.status_code for reply in replies} <= {200, 400}
    assert ReceivedPush.objects.count() == 1


def test_our_own_reply_sent_back_has_no_effect(callbacks: Callbacks, signer: Signer) -> None:
    reply = callbacks.push(load_event("check_url")).json()
    reflected = {
        "signature": reply["msg_signature"],
        "timestamp": reply["timeStamp"],
        "nonce": reply["nonce"],
    }

    answer = callbacks.send(reflected, json.dumps({"encrypt": reply["encrypt"]}).encode())

    assert signer.open(answer.json()) == b"success"
    assert ReceivedPush.objects.get().body == b"success"


def test_every_single_character_changed_is_refused(callbacks: Callbacks, signer: Signer) -> None:
    query, body = signer.push(MESSAGE)
    encrypt = json.loads(body)["encrypt"]

    for position in range(0, len(encrypt), 7):
        changed = "B" if encrypt[position] != "B" else "C"
        text = encrypt[:position] + changed + encrypt[position + 1 :]
        assert callbacks.send(query, json.dumps({"encrypt": text}).encode()).status_code == 400
    assert not ReceivedPush.objects.exists()


def _mutated(chance: random.Random, query: dict[str, str], body: bytes) -> tuple[str, bytes]:
    """A request with a few bytes changed, removed, repeated or inserted somewhere."""
    text = "&".join(f"{name}={value}" for name, value in query.items()).encode()
    parts = [bytearray(text), bytearray(body)]
    for _ in range(chance.randint(1, 4)):
        part = chance.choice(parts)
        position = chance.randrange(len(part) + 1)
        junk = chance.choice([b"\x00", b"\xff", b"{", b"[" * 70, b"%", b"%ff", b"&", b"=", b'"', b"9" * 5000])
        how = chance.randrange(4)
        if how == 0:
            part[position:position] = junk
        elif how == 1:
            del part[position : position + chance.randrange(40)]
        elif how == 2:
            part[position : position + 1] = bytes([chance.randrange(256)])
        else:
            part[position:position] = part[: chance.randrange(60)]
    return parts[0].decode("latin-1"), bytes(parts[1])


def test_two_hundred_broken_requests_get_no_server_error(callbacks: Callbacks, signer: Signer) -> None:
    chance = random.Random(20260822)
    events = ["suite_ticket", "org_suite_auth", "legacy_tmp_auth_code", "check_url"]

    for case in range(200):
        query, body = _mutated(chance, *signer.push(load_event(chance.choice(events))))
        reply = callbacks.send(query.encode("ascii", "ignore").decode(), body)
        assert reply.status_code in {200, 400}, (case, query)


HOSTILE_DOCUMENTS: list[Any] = [
    {"EventType": 7},
    {"EventType": None, "bizData": []},
    {"EventType": "suite_ticket", "SuiteTicket": {"a": 1}, "TimeStamp": []},
    {"EventType": "suite_ticket", "SuiteTicket": "x" * 100_000, "TimeStamp": "1e400"},
    {"EventType": "suite_ticket", "SuiteTicket": "nul\x00ticket", "TimeStamp": 10**40},
    {"EventType": "suite_ticket", "SuiteTicket": "ticket\ud800".encode("utf-8", "replace").decode()},
    {"EventType": "SYNC_HTTP_PUSH_HIGH"},
    {"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": {"a": 1}},
    {"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": [None, 1, "x", [], {}]},
    {"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": [{"biz_type": 2, "biz_data": "{"}]},
    {"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": [{"biz_type": 2**70, "biz_data": {}}]},
    {"EventType": "x" * 5000, "SuiteKey": ["a"]},
    {"EventType": "nul\x00type", "CorpId": "\x00"},
    {"EventType": "odd", "SuiteKey": "\U0001f600"},
]


@pytest.mark.parametrize("document", HOSTILE_DOCUMENTS)
def test_authentic_documents_with_hostile_fields_get_no_server_error(
    callbacks: Callbacks, document: dict[str, Any]
) -> None:
    assert callbacks.push(document).status_code in {200, 400}
