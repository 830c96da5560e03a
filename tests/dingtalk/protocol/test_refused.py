"""Telling a refused secret and a call that does not exist from all other refusals."""

import pytest

from dingtalk.protocol.error_table import classify
from dingtalk.protocol.refused import is_call_unknown, is_secret_refused


def refusal(code, sub_code=""):
    return classify(endpoint="/x", code=code, http_status=400, sub_code=sub_code)


@pytest.mark.parametrize(
    "code", ["invalidClientIdOrSecret", "invalid.client", "40080", "40088", "40096", "853004"]
)
def test_a_refused_secret_is_told_in_every_generation(code):
    assert is_secret_refused(refusal(code))
    assert not is_call_unknown(refusal(code))


@pytest.mark.parametrize("code", ["InvalidAction.NotFound", "404", "22"])
def test_a_call_that_does_not_exist_is_told(code):
    assert is_call_unknown(refusal(code))
    assert not is_secret_refused(refusal(code))


@pytest.mark.parametrize("code", ["853003", "40085", "invalidSuiteTicket", "-1", "", "invalid.client.x"])
def test_nothing_else_is_either(code):
    assert not is_secret_refused(refusal(code))
    assert not is_call_unknown(refusal(code))


def test_the_nested_code_decides():
    assert is_call_unknown(refusal("88", "404"))
    assert not is_call_unknown(refusal("88", "40014"))
