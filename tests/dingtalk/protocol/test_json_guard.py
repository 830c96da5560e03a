import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dingtalk.protocol.errors import MalformedEnvelope, MalformedEvent
from dingtalk.protocol.json_guard import (
    MAX_DEPTH,
    MAX_JSON_BYTES,
    canonical_json,
    read_json,
    read_json_object,
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(value=VALUES)
def test_what_the_standard_writer_writes_is_read(value):
    assert read_json(json.dumps(value)) == value


@settings(max_examples=100, deadline=None)
@given(value=VALUES)
def test_the_canonical_text_is_one_for_equal_values_and_reads_back(value):
    text = canonical_json(value)

    assert read_json(text) == value
    assert canonical_json(read_json(json.dumps(value, indent=3))) == text


@settings(max_examples=150, deadline=None)
@given(source=st.binary(max_size=80) | st.text(alphabet='[]{}":,\\ud80 1e.-tnN\n', max_size=60))
def test_whatever_comes_there_is_a_value_or_the_one_error(source):
    try:
        value = read_json(source)
    except MalformedEvent:
        return
    assert canonical_json(value)


def test_brackets_inside_texts_do_not_count_as_depth():
    text = json.dumps({"a": '[{"' * 500 + "\\", "b\\": "]]"})

    assert read_json(text) == json.loads(text)


def test_the_depth_is_bounded_exactly():
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)

    with pytest.raises(MalformedEvent, match="deep"):
        read_json("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize(
    "text",
    ["NaN", "[Infinity]", '{"a":-Infinity}', "1e999", "-1e999", "1" * 65, "0." + "1" * 65, "1" * 6000],
    ids=lambda text: text[:12],
)
def test_numbers_that_would_fail_later_are_refused(text):
    with pytest.raises(MalformedEvent):
        read_json(text)


def test_a_half_surrogate_pair_becomes_a_replacement_and_a_whole_one_its_character():
    assert read_json('{"\\ud800":["\\udfff","\\ud83d\\ude00"]}') == {"\ufffd": ["\ufffd", "😀"]}


@pytest.mark.parametrize(
    "text",
    ['"' + '\\"' * 500_000, '"' * 1_000_000, "[]" * 500_000, '"' + "\\" * 1_000_001, "{" * 1_000_000],
    ids=["escaped quotes", "quotes", "flat brackets", "backslashes", "braces"],
)
def test_hostile_texts_are_refused_in_linear_time(text):
    started = time.process_time()

    with pytest.raises(MalformedEvent):
        read_json(text)

    assert time.process_time() - started < 2


def test_too_much_is_refused_unread():
    with pytest.raises(MalformedEvent, match="large"):
        read_json(b" " * MAX_JSON_BYTES + b"1")


def test_the_caller_names_the_error_and_it_quotes_nothing():
    with pytest.raises(MalformedEnvelope) as refusal:
        read_json_object(b'{"suite_ticket":"topsecret"', error=MalformedEnvelope)

    assert "topsecret" not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("text", ["[]", "1", '"a"', "null", "true"])
def test_only_an_object_is_an_object(text):
    with pytest.raises(MalformedEvent):
        read_json_object(text)
