"""What is stored of an error."""

import pytest

from dingtalk.errors import text_to_keep
from dingtalk.protocol.error_table import classify
from dingtalk.protocol.errors import TransportError


def test_the_code_of_a_refusal_is_kept_where_the_address_ends_like_the_name_of_a_secret() -> None:
    refusal = classify(
        endpoint="/v1.0/oauth2/corpAccessToken",
        code="invalidSuiteKey",
        message="",
        http_status=400,
        request_id="",
    )

    assert text_to_keep(refusal).endswith("/v1.0/oauth2/corpAccessToken: invalidSuiteKey")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("suite_secret=abcdefghijklmnop"),
        TransportError("/service/get_suite_token", retryable=True, reason="suite_secret=abcdefghijklmnop"),
    ],
)
def test_secrets_in_the_text_of_an_error_are_not_kept(error: Exception) -> None:
    assert "abcdefghijklmnop" not in text_to_keep(error)


def test_a_long_text_is_cut() -> None:
    assert len(text_to_keep(ValueError("x" * 1_000))) == 500
