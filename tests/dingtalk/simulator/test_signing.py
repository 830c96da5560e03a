"""The signature of requests against vectors."""

import pytest

from dingtalk.simulator.signing import same_text, suite_request_signature
from tests.support.protocol_fixtures import vector_params


@pytest.mark.parametrize("vector", vector_params("third_party_signature"))
def test_a_request_is_signed_as_recorded(vector: dict):
    signature = suite_request_signature(
        suite_secret=vector["input"]["suite_secret"],
        suite_ticket=vector["input"]["suite_ticket"],
        timestamp=vector["input"]["timestamp"],
    )

    assert signature == vector["expect"]["signature"]


@pytest.mark.parametrize(("left", "right", "same"), [("a", "a", True), ("a", "b", False), ("é", "é", True)])
def test_texts_are_compared_whole(left: str, right: str, same: bool):
    assert same_text(left, right) is same
