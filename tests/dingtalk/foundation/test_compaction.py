"""What is packed comes out as it went in, whatever it is."""

import json
import os

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from dingtalk.foundation.compaction import compact, expand
from tests.support.protocol_fixtures import load_event


@given(st.binary(max_size=2_000) | st.binary(max_size=20).map(lambda part: part * 200))
def test_what_is_packed_comes_out_as_it_was(plain: bytes) -> None:
    assert expand(compact(plain)) == plain


def test_a_push_of_many_rows_shrinks_to_less_than_a_tenth() -> None:
    event = load_event("org_suite_auth")
    event["bizData"] *= 100
    plain = json.dumps(event).encode()

    assert len(compact(plain)) < len(plain) / 10


@pytest.mark.parametrize("plain", [b"", b"success", os.urandom(5_000)])
def test_what_does_not_get_smaller_stays_as_it_is(plain: bytes) -> None:
    assert compact(plain) == plain


def test_what_looks_packed_already_is_not_taken_for_ours() -> None:
    looks_packed = zstandard.ZstdCompressor().compress(b"x" * 5_000)

    assert expand(compact(looks_packed)) == looks_packed


def test_damaged_bytes_are_an_error_and_not_other_bytes() -> None:
    packed = compact(b"x" * 5_000)

    with pytest.raises(ValueError, match="damaged"):
        expand(packed[:-3])
