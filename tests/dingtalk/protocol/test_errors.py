import pickle

import pytest

from dingtalk.protocol.error_table import classify
from dingtalk.protocol.errors import ApiError, DecryptionFailed, DingTalkError, TransportError, WrongReceiver
from dingtalk.protocol.redaction import MAX_TEXT_LENGTH, redact_text

SECRET = "Vq3xK9+tR/2mPz=="
NAMES = [
    "access_token",
    "suite_access_token",
    "suite_ticket",
    "permanent_code",
    "tmp_auth_code",
    "signature",
    "suite_secret",
    "accessToken",
    "suiteTicket",
    "permanentCode",
    "AuthCode",
    "x-acs-dingtalk-access-token",
    "jsapi_ticket",
]
FORMS = [
    "{name}={secret}",
    "{name}={secret}&nonce=1",
    "{name}: {secret}",
    '{{"{name}":"{secret}"}}',
    '{{"{name}" : "{secret}", "a": 1}}',
    '{{\\"{name}\\":\\"{secret}\\"}}',
    "'{name}': '{secret}'",
    "{name}%3D{secret}",
    "[{name}={secret}]",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_no_error_shows_the_value_of_a_secret_name(name, form):
    text = "rejected: " + form.format(name=name, secret=SECRET)
    errors = [
        classify(endpoint="/gettoken", code="40014", http_status=200, message=text),
        classify(endpoint="/gettoken", code="88", http_status=200, sub_message=text, request_id=text),
        TransportError("/gettoken", retryable=True, reason=text),
        TransportError(f"/gettoken?{name}={SECRET}", retryable=True),
    ]

    for error in errors:
        shown = f"{error} {error!r} {vars(error)}"
        assert SECRET not in shown
        assert SECRET[:6] not in shown


def test_the_slashes_that_json_escapes_do_not_end_a_secret():
    assert "2mPz" not in redact_text('{"signature":"Vq3xK9+tR\\/2mPz=="}')


def test_a_bearer_token_is_masked():
    assert redact_text("Authorization: Bearer abc.def") == "Authorization: Bearer ***"


def test_a_text_without_secrets_stays_as_it_is():
    assert redact_text("不合法的access_token, 40014") == "不合法的access_token, 40014"


def test_a_text_is_one_bounded_line():
    text = redact_text("a\r\nb\x00c\x1b[31m\u202e\ud800" + "x" * 100_000)

    assert text.startswith("a b c [31m x")
    assert len(text) == MAX_TEXT_LENGTH
    assert text.isprintable()


def test_a_secret_across_the_bound_is_not_shown_in_part():
    text = "x" * (MAX_TEXT_LENGTH - 20) + " access_token=" + SECRET

    assert SECRET[:3] not in redact_text(text)


def test_an_api_error_says_where_what_and_which_request():
    error = classify(
        endpoint="/topapi/user?access_token=x",
        code="88",
        http_status=200,
        sub_code="60011",
        sub_message="no permission",
        request_id="r1",
    )

    assert str(error) == "/topapi/user: 88/60011 no permission (request r1)"
    assert (error.message, error.request_id, error.sub_code) == ("no permission", "r1", "60011")


def test_a_transport_error_says_whether_the_call_may_be_repeated():
    error = TransportError("/service/activate_suite", retryable=False, reason="timed out")

    assert (error.endpoint, error.retryable, error.reason) == ("/service/activate_suite", False, "timed out")
    assert str(error) == "/service/activate_suite: timed out"


@pytest.mark.parametrize(
    "error",
    [
        classify(endpoint="/gettoken", code="90018", http_status=200, message="slow down"),
        classify(endpoint="/gettoken", code="1111", http_status=200),
        TransportError("/gettoken", retryable=True, reason="reset"),
        WrongReceiver(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_passes_between_processes_unchanged(error):
    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_every_error_is_in_the_one_tree_and_a_wrong_receiver_reads_like_any_failure():
    assert str(WrongReceiver()) == str(DecryptionFailed())
    assert issubclass(ApiError, DingTalkError)
    assert issubclass(TransportError, DingTalkError)
    assert issubclass(DecryptionFailed, DingTalkError)
