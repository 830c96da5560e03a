import hashlib
from itertools import permutations
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dingtalk.protocol.signing import callback_signature, request_signature
from tests.dingtalk.protocol.conftest import AES_KEY_TEXT, SUITE_KEY
from tests.support.callback_signer import Signer
from tests.support.protocol_fixtures import vector_params

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=60, deadline=None)
@given(token=TEXT, timestamp=TEXT, nonce=TEXT, encrypt=TEXT)
def test_the_callback_signature_agrees_with_the_separate_signer(token, timestamp, nonce, encrypt):
    signer = Signer(token, AES_KEY_TEXT, SUITE_KEY)

    signature = callback_signature(token=token, timestamp=timestamp, nonce=nonce, encrypt=encrypt)

    assert signature == signer.sign(timestamp, nonce, encrypt)


def test_the_callback_signature_does_not_depend_on_which_part_is_which():
    names = ("token", "timestamp", "nonce", "encrypt")

    signatures = {
        callback_signature(**dict(zip(names, parts, strict=True)))
        for parts in permutations(["b", "a", "d", "c"])
    }

    assert len(signatures) == 1


def test_parts_are_sorted_by_byte_value_not_by_letter():
    signature = callback_signature(token="b", timestamp="1", nonce="C", encrypt="a")

    assert signature == hashlib.sha1(b"1Cab").hexdigest()


@pytest.mark.parametrize("changed", ["suite_secret", "suite_ticket", "timestamp_ms"])
def test_the_request_signature_covers_every_part(changed):
    parts = {"suite_secret": "secret", "suite_ticket": "ticket", "timestamp_ms": 1636725918388}
    other = parts | {changed: 1636725918389 if changed == "timestamp_ms" else "other"}

    assert request_signature(**parts) != request_signature(**other)


@pytest.mark.parametrize("vector", vector_params("third_party_signature"))
def test_a_strict_percent_encoder_gives_the_documented_query_text(vector):
    assert quote(vector["expect"]["signature"], safe="") == vector["expect"]["url_encoded"]
