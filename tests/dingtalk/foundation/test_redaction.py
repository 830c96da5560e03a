import json
import logging
import sys
from io import StringIO
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
import requests
import structlog
from django.test import RequestFactory

from dingtalk.foundation.redaction import RedactingFilter, redact, redact_event, redact_text, register_secret
from dingtalk.foundation.secret import MASK, Secret
from dingtalk.foundation.secret_registry import SecretRegistry

CANARY = "canary7d1f0c"

NAMES = [
    "suite_secret",
    "suiteSecret",
    "SuiteSecret",
    "permanent_code",
    "permanentCode",
    "access_token",
    "accessToken",
    "suite_access_token",
    "corpAccessToken",
    "suite_ticket",
    "suiteTicket",
    "SuiteTicket",
    "tmp_auth_code",
    "AuthCode",
    "authCode",
    "signature",
    "msg_signature",
    "sign",
    "Authorization",
    "encrypt",
    "callback_token",
    "encoding_aes_key",
    "encodingAesKey",
    "EncodingAESKey",
    "password",
    "secret",
    "api_key",
    "X-Api-Key",
    "x-acs-dingtalk-access-token",
    "jsapi_ticket",
    "Set-Cookie",
    "sessionid",
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEYS",
    "DATABASE_URL",
]
SHAPES = [
    "{name}={value}",
    "GET /callback?a=1&{name}={value}&b=2",
    "{name}: {value}",
    "{name} = {value}",
    '{{"{name}": "{value}"}}',
    '{{"{name}":"{value}"}}',
    '{{"a": 1, "{name}": "before\\"{value}"}}',
    '"{{\\"{name}\\": \\"{value}\\"}}"',
    "{{'{name}': '{value}'}}",
    "{{'{name}': b'{value}'}}",
    "<QueryDict: {{'{name}': ['{value}', '{value}']}}>",
    "call({name}='{value}', x=1)",
    "back=https%3A%2F%2Fhost%2Fpath%3F{name}%3D{value}%26x%3D1",
    '{{"{name}": "{value}',
    "{name}=>{value}",
]


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_after_a_secret_name_is_masked_in_every_shape(name):
    for shape in SHAPES:
        masked = redact_text(shape.format(name=name, value=CANARY))

        assert CANARY not in masked, shape
        assert MASK in masked
        assert name in masked
        assert redact_text(masked) == masked, "masking twice changes nothing"


@pytest.mark.parametrize("name", NAMES)
def test_what_a_mapping_has_under_a_secret_name_is_masked_whatever_it_is(name):
    for value in (CANARY, CANARY.encode(), [CANARY], {"inner": CANARY}, 12345678, Secret(CANARY)):
        assert redact({"outer": [{name: value}]}) == {"outer": [{name: MASK}]}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("a https://h/x?access_token=abc123&agentId=5 b", "a https://h/x?access_token=***&agentId=5 b"),
        (
            '{"suite_secret": "abc", "suite_key": "suitexyz"}',
            '{"suite_secret": "***", "suite_key": "suitexyz"}',
        ),
        ("Authorization: Bearer abc.def-ghi", "Authorization: ***"),
        ("sent Bearer abc.def-ghi to it", "sent Bearer *** to it"),
        ("Cookie: sessionid=abc; csrftoken=def\nHost: h", "Cookie: ***\nHost: h"),
        ("postgres://portal:pa55@db:5432/portal", "postgres://portal:***@db:5432/portal"),
        ("redis://:pa55@redis/0", "redis://:***@redis/0"),
        ("key isv_9fk2ab_Zm9vYmFyYmF6cXV4MTIzNDU2 is out", "key isv_9fk2ab_*** is out"),
    ],
)
def test_what_is_around_a_secret_stays_readable(text, masked):
    assert redact_text(text) == masked


@pytest.mark.parametrize("value", ["null-and-more", "Nonesuch", "***rest", "true.fact", "%41bc", "a%2Fb%3D"])
def test_a_value_that_begins_like_no_value_is_masked_whole(value):
    assert redact_text(f"access_token={value}&x=1") == "access_token=***&x=1"


@pytest.mark.parametrize(
    "text",
    [
        "No suite_ticket yet for this suite",
        "errcode=40014 errmsg=bad access_token",
        "callback_token=None has_secret=True",
        '{"suite_ticket": null, "code": "90018"}',
        "isv_portal.settings at 10:00:00",
        "the tokens: 3 of 5",
        "https://oapi.dingtalk.com/service/get_corp_token?accessKey=suitekey1",
        "钉钉：授权成功",
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert redact_text(text) == text


def test_values_that_are_no_secret_stay_as_they_are():
    value = {
        "n": 1,
        "none": None,
        "flag": True,
        "list": [1.5, "x"],
        "secret": None,
        "token": "",
        "has_secret": True,
    }

    assert redact(value) == value


def test_the_value_given_is_not_changed():
    value = {"outer": {"secret": CANARY}, "list": [f"token={CANARY}"]}

    redact(value)

    assert value == {"outer": {"secret": CANARY}, "list": [f"token={CANARY}"]}


def test_a_mapping_that_holds_itself_ends():
    value: dict[str, Any] = {}
    value["self"] = value

    assert MASK in json.dumps(redact(value))


def test_sets_tuples_bytes_and_keys_are_covered():
    value = ({f"token={CANARY}"}, (f"token={CANARY}",), f"token={CANARY}".encode(), {f"token={CANARY}": 1})

    assert CANARY not in repr(redact(value))


def test_an_object_whose_repr_shows_a_secret_becomes_its_masked_repr():
    leaky, harmless = SimpleNamespace(access_token=CANARY), SimpleNamespace(agent_id=5)

    assert redact([leaky, harmless]) == ["namespace(access_token='***')", harmless]


def test_hostile_text_is_masked_in_time():
    hostile = [
        "token" * 20_000,
        "a-" * 50_000 + "token=b",
        '"secret": "' + "\\" * 100_000,
        "access_token=" * 8_000,
    ]

    for text in hostile:
        redact_text(text)


def test_a_registered_value_is_masked_wherever_and_however_it_is_written():
    value = "Qm+/9 x'canary-value"
    register_secret(value)

    for written in (value, quote(value, safe=""), value.encode().hex(), json.dumps({"x": value})):
        assert MASK in redact_text(f"before {written} after")
        assert "canary" not in redact_text(f"before {written} after")


def test_a_registered_secret_is_masked_in_mappings_and_their_keys():
    register_secret(Secret("canary-registered"))

    assert redact({"note": "it is canary-registered", "canary-registered": 1}) == {
        "note": "it is ***",
        "***": 1,
    }


def test_the_registry_forgets_the_oldest_and_stays_bounded():
    registry = SecretRegistry(limit=3)
    for number in range(5):
        registry.register(f"secret-number-{number}")

    text = registry.mask("secret-number-0 secret-number-1 secret-number-2 secret-number-4")

    assert len(registry) == 3
    assert text == "secret-number-0 secret-number-1 *** ***"


def test_a_value_used_again_is_not_the_oldest():
    registry = SecretRegistry(limit=2)
    for value in ("secret-number-0", "secret-number-1", "secret-number-0", "secret-number-2"):
        registry.register(value)

    assert registry.mask("secret-number-0 secret-number-1") == "*** secret-number-1"


def test_of_two_values_one_the_start_of_the_other_the_longer_is_masked_whole():
    registry = SecretRegistry()
    registry.register("abcdefgh")
    registry.register("abcdefgh-and-more")

    assert registry.mask("abcdefgh-and-more, abcdefgh") == "***, ***"


def test_a_value_too_short_to_be_told_from_words_is_not_registered():
    registry = SecretRegistry()
    registry.register("success")

    assert registry.mask("success") == "success"


@pytest.fixture
def lines():
    """A logger with the filter on its handler, and what it wrote."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(logging.Formatter("%(message)s|%(extra_field)s", defaults={"extra_field": ""}))
    logger = logging.Logger("tests.redaction")
    logger.addHandler(handler)
    return logger, stream.getvalue


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        (f"access_token={CANARY}", ()),
        ("access_token=%s", (CANARY,)),
        ("called %s", (f"https://h/x?access_token={CANARY}",)),
        ("got %(suite_ticket)s", ({"suite_ticket": f"suite_ticket={CANARY}"},)),
        ("got %s", ({"suite_ticket": CANARY},)),
        ("two %s %s places", (f"secret={CANARY}",)),
        ({"event": "x", "suite_secret": CANARY}, ()),
        (ValueError(f"secret={CANARY}"), ()),
    ],
)
def test_no_secret_passes_in_message_or_arguments(lines, message, arguments):
    logger, written = lines

    logger.warning(message, *arguments)

    assert CANARY not in written()
    assert MASK in written()


@pytest.mark.parametrize(
    "value",
    [
        f"access_token={CANARY}",
        {"permanent_code": CANARY},
        requests.ConnectionError(f"/service?access_token={CANARY}"),
        RequestFactory().get("/callback/x", {"signature": CANARY}),
    ],
)
def test_no_secret_passes_in_an_extra_field(lines, value):
    logger, written = lines

    logger.warning("x", extra={"extra_field": value, "suite_secret": CANARY})

    assert CANARY not in written()
    assert MASK in written()


def failed_call() -> None:
    """Fail as requests does, with the whole URL in the text, twice in the chain."""
    url = f"https://127.0.0.1:1/service/get_permanent_code?suite_access_token={CANARY}"
    cause = ConnectionRefusedError(f"Max retries exceeded with url: {url}")
    raise requests.ConnectionError(f"HTTPSConnectionPool: {url}") from cause


def test_no_secret_passes_in_the_traceback_of_a_chain_of_requests_errors(lines):
    logger, written = lines

    try:
        failed_call()
    except requests.ConnectionError:
        logger.exception("Call failed")

    assert CANARY not in written()
    assert "get_permanent_code?suite_access_token=***" in written()
    assert "ConnectionRefusedError" in written() and "direct cause" in written()


def test_a_formatter_that_renders_the_exception_itself_gets_the_masked_text():
    record = logging.LogRecord("n", logging.ERROR, __file__, 1, "m", (), None)
    try:
        failed_call()
    except requests.ConnectionError:
        record.exc_info = sys.exc_info()

    RedactingFilter().filter(record)

    rendered = logging.Formatter().formatException(record.exc_info)
    assert CANARY not in rendered
    assert "suite_access_token=***" in rendered


def test_a_harmless_exception_keeps_its_exc_info():
    record = logging.LogRecord("n", logging.ERROR, __file__, 1, "m", (), None)
    error = ValueError("nothing secret")
    record.exc_info = (ValueError, error, None)

    assert RedactingFilter().filter(record) is True
    assert record.exc_info[1] is error


def test_no_secret_passes_in_the_stack(lines):
    logger, written = lines

    logger.warning("x", stack_info=bool("access_token=canary7d1f0c"))

    assert "Stack (most recent call last)" in written()
    assert CANARY not in written()


def structlog_line(act) -> str:
    """What structlog's formatter writes for a line of the standard library, the filter on its handler."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact_event,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logger = logging.Logger("tests.redaction.structlog")
    logger.addHandler(handler)
    act(logger)
    return stream.getvalue()


def test_structlog_writes_the_traceback_masked():
    def act(logger: logging.Logger) -> None:
        try:
            failed_call()
        except requests.ConnectionError:
            logger.exception("Call failed", extra={"suite_key": "suitekey1", "access_token": CANARY})

    line = json.loads(structlog_line(act))

    assert CANARY not in json.dumps(line)
    assert "suite_access_token=***" in line["exception"]
    assert (line["event"], line["suite_key"], line["access_token"]) == ("Call failed", "suitekey1", MASK)


def test_the_processor_masks_a_pending_exception_by_itself():
    try:
        failed_call()
    except requests.ConnectionError:
        event = redact_event(None, "error", {"event": "x", "exc_info": sys.exc_info(), "secret": CANARY})

    assert CANARY not in repr(event)
    assert "suite_access_token=***" in event["exception"]


def test_the_processor_leaves_alone_what_structlog_keeps_for_itself():
    record = object()

    assert redact_event(None, "info", {"event": "x", "_record": record})["_record"] is record
