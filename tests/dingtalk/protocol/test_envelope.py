import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dingtalk.protocol.crypto import decode_aes_key
from dingtalk.protocol.envelope import MAX_BODY_BYTES, CallbackCredential, Envelope, open_envelope, seal_reply
from dingtalk.protocol.errors import (
    DecryptionFailed,
    MalformedEnvelope,
    ProtocolError,
    SignatureMismatch,
    WrongReceiver,
)
from tests.dingtalk.protocol.conftest import AES_KEY_TEXT, SUITE_KEY, TOKEN
from tests.support.callback_signer import Signer

OTHER_AES_KEY_TEXT = "Zw4eE9oI2uY7mP0aS1cD5rF3tG8bH6nJ4kL9vW2xZ7q"
CREATION_KEY = "suite4xxxxxxxxxxxxxxx"


def parse(query, body):
    return Envelope.parse(query.items(), body)


def flipped(text, position):
    """The text with one character changed to another of the same alphabet."""
    return text[:position] + ("1" if text[position] != "1" else "2") + text[position + 1 :]


def test_a_push_of_the_separate_signer_opens(signer, credential):
    query, body = signer.push({"EventType": "check_url"})

    opened = open_envelope(parse(query, body), [credential])

    assert json.loads(opened.message) == {"EventType": "check_url"}
    assert (opened.credential, opened.owner_key) == (credential, SUITE_KEY)


def test_our_reply_opens_for_the_separate_signer_and_says_success(signer, credential):
    reply = seal_reply(
        credential=credential, owner_key=SUITE_KEY, timestamp="1700000000", nonce="n0nce", random16=b"0" * 16
    )

    assert signer.open(reply) == b"success"
    assert reply["timeStamp"] == "1700000000"


@pytest.mark.parametrize("part", ["signature", "timestamp", "nonce", "encrypt"])
def test_one_character_changed_anywhere_breaks_the_signature(signer, credential, part):
    envelope = parse(*signer.push({"EventType": "check_url"}, nonce="nEXhMP4r"))
    original = getattr(envelope, part)

    for position in range(len(original)):
        forged = replace(envelope, **{part: flipped(original, position)})
        with pytest.raises(SignatureMismatch):
            open_envelope(forged, [credential])


def test_one_character_changed_in_the_token_breaks_the_signature(signer, credential):
    envelope = parse(*signer.push({"EventType": "check_url"}))

    for position in range(len(TOKEN)):
        with pytest.raises(SignatureMismatch):
            open_envelope(envelope, [replace(credential, token=flipped(TOKEN, position))])


def test_one_bit_changed_in_the_aes_key_does_not_give_the_message(signer, credential):
    envelope = parse(*signer.push({"EventType": "check_url"}))

    for position in range(32):
        key = bytearray(credential.aes_key)
        key[position] ^= 1
        with pytest.raises(DecryptionFailed):
            open_envelope(envelope, [replace(credential, aes_key=bytes(key))])


def test_the_signature_is_checked_before_anything_is_decoded(signer, credential):
    query, body = signer.envelope("no=base64=at=all")

    with pytest.raises(DecryptionFailed):
        open_envelope(parse(query, body), [credential])
    with pytest.raises(SignatureMismatch):
        open_envelope(parse(query | {"nonce": "other"}, body), [credential])


def test_during_a_rotation_both_credentials_open_and_the_fitting_one_is_named(credential):
    key = decode_aes_key(OTHER_AES_KEY_TEXT)
    old = CallbackCredential("oldtoken", key, SUITE_KEY, is_previous_token=True, is_previous_key=True)
    pushes = {
        "current": Signer(TOKEN, AES_KEY_TEXT, SUITE_KEY).push({"EventType": "check_url"}),
        "previous": Signer("oldtoken", OTHER_AES_KEY_TEXT, SUITE_KEY).push({"EventType": "check_url"}),
    }

    names = {
        name: open_envelope(parse(*push), [credential, old]).credential.name for name, push in pushes.items()
    }

    assert names == {
        "current": "current token, current key",
        "previous": "previous token, previous key",
    }


def test_when_only_the_aes_key_was_rotated_the_credential_that_opens_is_used(credential):
    previous = replace(credential, aes_key=decode_aes_key(OTHER_AES_KEY_TEXT), is_previous_key=True)
    push = Signer(TOKEN, OTHER_AES_KEY_TEXT, SUITE_KEY).push({"EventType": "check_url"})

    assert open_envelope(parse(*push), [credential, previous]).credential is previous
    assert open_envelope(parse(*push), [previous, credential]).credential is previous


def test_without_any_credential_no_signature_fits(signer):
    with pytest.raises(SignatureMismatch):
        open_envelope(parse(*signer.push({"EventType": "check_url"})), [])


def test_the_creation_key_opens_the_check_of_a_new_suite(credential):
    push = Signer(TOKEN, AES_KEY_TEXT, CREATION_KEY).push(
        {"EventType": "check_create_suite_url", "Random": "x"}
    )

    assert open_envelope(parse(*push), [credential]).owner_key == CREATION_KEY


@pytest.mark.parametrize(
    "message",
    [
        {"EventType": "suite_ticket", "SuiteTicket": "stolen"},
        {"EventType": "check_url"},
        {"eventType": "check_create_suite_url"},
        b"check_create_suite_url",
        b"\xff\xfe",
        b"[" * 70,
    ],
    ids=["ticket", "check_url", "other spelling", "not json", "not utf-8", "deep"],
)
def test_the_creation_key_opens_nothing_else(credential, message):
    push = Signer(TOKEN, AES_KEY_TEXT, CREATION_KEY).push(message)

    with pytest.raises(WrongReceiver):
        open_envelope(parse(*push), [credential])


def test_a_credential_and_an_envelope_show_no_secret(signer, credential):
    envelope = parse(*signer.push({"EventType": "suite_ticket", "SuiteTicket": "secretTicket"}))
    opened = open_envelope(envelope, [credential])

    shown = f"{credential!r} {credential} {envelope!r} {opened!r}"

    for secret in (
        TOKEN,
        AES_KEY_TEXT,
        repr(credential.aes_key),
        envelope.signature,
        envelope.encrypt,
        "secretTicket",
    ):
        assert secret not in shown
    assert SUITE_KEY in shown


class TestGrammar:
    QUERY = (("signature", "a" * 40), ("timestamp", "1700000000000"), ("nonce", "n"))
    BODY = b'{"encrypt":"AAAA"}'

    def query(self, **changes):
        return list((dict(self.QUERY) | changes).items())

    def test_the_texts_stay_exactly_what_came(self):
        envelope = Envelope.parse(self.query(nonce=" n+%2B "), b'{"encrypt":"AA\\r\\nAA"}')

        assert envelope == Envelope("a" * 40, "1700000000000", " n+%2B ", "AA\r\nAA")

    def test_parameters_of_the_callback_url_itself_are_ignored(self):
        query = [("suite", "a"), ("suite", "b"), *self.QUERY, ("Nonce", "z")]

        assert Envelope.parse(query, self.BODY).nonce == "n"

    def test_both_spellings_are_fine_when_they_say_the_same(self):
        query = [*self.QUERY, ("msg_signature", "a" * 40), ("timeStamp", "1700000000000")]

        assert Envelope.parse(query, self.BODY).signature == "a" * 40

    @pytest.mark.parametrize(
        "extra",
        [
            ("signature", "a" * 40),
            ("msg_signature", "b" * 40),
            ("timestamp", "1700000000000"),
            ("timeStamp", "1700000000001"),
            ("nonce", "n"),
        ],
        ids=lambda extra: extra[0],
    )
    def test_a_parameter_given_twice_is_refused(self, extra):
        with pytest.raises(MalformedEnvelope):
            Envelope.parse([*self.QUERY, extra], self.BODY)

    @pytest.mark.parametrize("name", ["signature", "timestamp", "nonce"])
    def test_a_missing_parameter_is_refused(self, name):
        query = [(key, value) for key, value in self.QUERY if key != name]

        with pytest.raises(MalformedEnvelope, match=name):
            Envelope.parse(query, self.BODY)

    @pytest.mark.parametrize("value", ["", "x" * 65, "a\x00b", "a\nb", "\ud800", "\x7f", "\u2028"])
    @pytest.mark.parametrize("name", ["timestamp", "nonce"])
    def test_an_empty_long_or_unprintable_parameter_is_refused(self, name, value):
        with pytest.raises(MalformedEnvelope):
            Envelope.parse(self.query(**{name: value}), self.BODY)

    @pytest.mark.parametrize(
        "signature", ["", "a" * 39, "a" * 41, "A" * 40, "g" * 40, "a" * 39 + "\n", "١" * 40]
    )
    def test_a_signature_is_forty_lower_case_hex_characters(self, signature):
        with pytest.raises(MalformedEnvelope):
            Envelope.parse(self.query(signature=signature), self.BODY)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"{}",
            b'{"encrypt":1}',
            b'{"encrypt":null}',
            b'{"encrypt":""}',
            b'{"encrypt":["AAAA"]}',
            b'{"encrypt":"a b"}',
            b'{"encrypt":"\\u0000"}',
            b'{"encrypt":"\\ud800"}',
            b'{"encrypt":"-_-_"}',
            b'{"encrypt":"AAAA","encrypt":"BBBB"}',
            b'{"encrypt":"AAAA","x":NaN}',
            b'{"encrypt":"AAAA","x":1e999}',
            b'{"encrypt":"AAAA","x":' + b"9" * 5000 + b"}",
            b'{"encrypt":"AAAA","x":' + b"[" * 100_000,
            b'{"encrypt":"AAAA","x":' + b"[" * 64 + b"]" * 64 + b"}",
            b'{"encrypt":"AAAA"} x',
            b'\xef\xbb\xbf{"encrypt":"AAAA"}',
            b'{"encrypt":"\xff"}',
            '{"encrypt":"AAAA"}'.encode("utf-16"),
            b'{"encrypt":"' + b"A" * MAX_BODY_BYTES + b'"}',
            b"encrypt=AAAA",
        ],
        ids=lambda body: repr(body[:40]),
    )
    def test_any_other_body_is_refused_as_malformed(self, body):
        with pytest.raises(MalformedEnvelope):
            Envelope.parse(self.QUERY, body)

    def test_members_beside_encrypt_are_ignored(self):
        assert Envelope.parse(self.QUERY, b'{"v":1,"encrypt":"AAAA"}').encrypt == "AAAA"

    @settings(max_examples=80, deadline=None)
    @given(
        query=st.lists(
            st.tuples(
                st.sampled_from(["signature", "timestamp", "timeStamp", "nonce", "x"]), st.text(max_size=50)
            ),
            max_size=6,
        ),
        body=st.one_of(st.binary(max_size=60), st.just(BODY)),
    )
    def test_whatever_comes_it_is_an_envelope_or_malformed(self, query, body):
        try:
            result = type(Envelope.parse(query, body))
        except ProtocolError as error:
            result = type(error)

        assert result in (Envelope, MalformedEnvelope)
