"""What real senders do: the points of the notes on clients, section "Callback endpoint", one by one."""

import base64
import json

import pytest

from dingtalk.protocol.crypto import decode_aes_key
from dingtalk.protocol.envelope import CallbackCredential, Envelope, open_envelope, seal_reply
from dingtalk.protocol.errors import DecryptionFailed, MalformedEnvelope, MalformedEvent, WrongReceiver
from dingtalk.protocol.events import SyncEvent, read_push
from tests.dingtalk.protocol.conftest import AES_KEY_TEXT, SUITE_KEY, TOKEN
from tests.support.callback_signer import Signer

MESSAGE = {"EventType": "check_url"}


def receive(query, body, credential):
    return json.loads(open_envelope(Envelope.parse(query.items(), body), [credential]).message)


@pytest.mark.parametrize("signature_name", ["signature", "msg_signature"])
@pytest.mark.parametrize("timestamp_name", ["timestamp", "timeStamp"])
def test_1_either_spelling_of_the_query_names_is_taken(signer, credential, signature_name, timestamp_name):
    query, body = signer.push(MESSAGE)
    renamed = {
        signature_name: query["signature"],
        timestamp_name: query["timestamp"],
        "nonce": query["nonce"],
    }

    assert receive(renamed, body, credential) == MESSAGE


@pytest.mark.parametrize("timestamp", ["1700000000000", "1700000000", "37", "0", "1700000000.123"])
def test_2_a_timestamp_is_any_text_milliseconds_seconds_or_the_second_of_the_minute(
    signer, credential, timestamp
):
    assert receive(*signer.push(MESSAGE, timestamp=timestamp), credential) == MESSAGE


@pytest.mark.parametrize("empty", ["timestamp", "nonce"])
def test_3_a_part_shifted_into_its_neighbour_leaves_no_empty_part(signer, credential, empty):
    full = "nonce" if empty == "timestamp" else "timestamp"
    query, body = signer.push(MESSAGE, **{empty: "", full: "17"})

    with pytest.raises(MalformedEnvelope):
        receive(query, body, credential)


def test_3_the_signature_covers_the_text_of_encrypt_as_received_with_its_line_breaks(signer, credential):
    message = json.dumps({**MESSAGE, "long": "x" * 200}).encode()
    broken = base64.encodebytes(base64.b64decode(signer.encrypt(signer.frame(message)))).decode()
    assert broken.count("\n") > 2

    for text in (broken, broken.replace("\n", "\r\n")):
        assert receive(*signer.envelope(text), credential)["EventType"] == "check_url"


@pytest.mark.parametrize("length", range(40))
@pytest.mark.parametrize("block", [16, 32])
def test_4_padding_to_16_and_to_32_is_legal_for_every_length(signer, credential, block, length):
    document = {"EventType": "钉" + "x" * length}

    assert receive(*signer.push(document, block=block), credential) == document


@pytest.mark.parametrize("last", "ABCDwxyz0189")
def test_5_a_key_with_stray_bits_in_its_last_character_is_taken(last):
    key_text = AES_KEY_TEXT[:-1] + last
    credential = CallbackCredential(TOKEN, decode_aes_key(key_text), SUITE_KEY)

    assert receive(*Signer(TOKEN, key_text, SUITE_KEY).push(MESSAGE), credential) == MESSAGE


@pytest.mark.parametrize("tail", [SUITE_KEY[:-1], SUITE_KEY + "1", "1" + SUITE_KEY, SUITE_KEY * 2])
def test_6_the_tail_has_to_be_the_suite_key_and_nothing_more(credential, tail):
    with pytest.raises(WrongReceiver):
        receive(*Signer(TOKEN, AES_KEY_TEXT, tail).push(MESSAGE), credential)


@pytest.mark.parametrize("timestamp", ["1700000000000", "1700000000", "37"])
def test_7_a_reply_has_four_texts_and_is_signed_with_its_own_time_and_nonce(signer, credential, timestamp):
    reply = seal_reply(
        credential=credential, owner_key=SUITE_KEY, timestamp=timestamp, nonce="n", random16=b"r" * 16
    )

    assert set(reply) == {"msg_signature", "timeStamp", "nonce", "encrypt"}
    assert all(isinstance(value, str) and "\n" not in value for value in reply.values())
    assert signer.open(reply) == b"success"


def test_8_an_event_of_an_unknown_type_is_an_event(signer, credential):
    opened = receive(*signer.push({"EventType": "moon_landing", "CorpId": "ding1"}), credential)

    (event,) = read_push(json.dumps(opened).encode()).events()

    assert isinstance(event, SyncEvent)
    assert event.event_type == "moon_landing"


def test_9_several_codes_for_one_installation_are_several_events():
    pushes = [
        read_push(
            json.dumps({"EventType": "tmp_auth_code", "AuthCode": code, "AuthCorpId": "ding1"}).encode()
        )
        for code in ("first", "second", "first")
    ]

    identities = [push.events()[0].identity for push in pushes]

    assert len(set(identities)) == 2
    assert identities[0] == identities[2]


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 5000])
def test_10_a_forged_length_is_refused_and_costs_nothing(signer, credential, length):
    frame = bytearray(signer.frame(b"success"))
    frame[16:20] = length.to_bytes(4, "big")

    with pytest.raises(DecryptionFailed):
        receive(*signer.envelope(signer.encrypt(bytes(frame))), credential)


@pytest.mark.parametrize("depth", [65, 1_000, 100_000])
def test_10_deeply_nested_json_is_refused_as_malformed(depth):
    with pytest.raises(MalformedEvent):
        read_push(b'{"EventType":"x","a":' + b"[" * depth + b"]" * depth + b"}")
