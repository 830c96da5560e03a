import io
import json
import logging
from collections.abc import Callable

import pytest
import structlog
from django.test import RequestFactory

from dingtalk.foundation.redaction import RedactingFilter
from isv_portal.log_config import JsonFormatter, RequestWithoutQuery, logging_config


@pytest.fixture
def log_lines() -> Callable[[], list[dict]]:
    """Everything logged from here on, as the lines that would be printed."""
    printed = io.StringIO()
    handler = logging.StreamHandler(printed)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(RequestWithoutQuery())
    handler.addFilter(RedactingFilter())
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in printed.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


def test_a_line_is_a_constant_message_with_fields(log_lines):
    logging.getLogger("tenants.tokens").info(
        "token_renewed", extra={"suite_key": "suite1", "corp_id": "ding1"}
    )

    (line,) = log_lines()

    assert line["event"] == "token_renewed"
    assert (line["suite_key"], line["corp_id"]) == ("suite1", "ding1")
    assert (line["logger"], line["level"]) == ("tenants.tokens", "info")
    assert line["timestamp"].endswith("Z")


def test_both_kinds_of_logger_carry_what_is_bound(log_lines):
    structlog.contextvars.bind_contextvars(request_id="r-1", suite_key="suite1")

    logging.getLogger("dingtalk").info("first")
    structlog.get_logger("dingtalk").info("second")

    assert [line["request_id"] for line in log_lines()] == ["r-1", "r-1"]
    assert [line["suite_key"] for line in log_lines()] == ["suite1", "suite1"]


@pytest.mark.parametrize(
    "name", ["suite_secret", "permanent_code", "access_token", "suite_ticket", "signature"]
)
def test_no_kind_of_logger_shows_a_secret(log_lines, name):
    logging.getLogger("dingtalk").warning(
        "call failed: /x?%s=s3cr3t-value&a=1", name, extra={name: "s3cr3t-value"}
    )
    structlog.get_logger("dingtalk").warning(
        "call_failed", **{name: "s3cr3t-value"}, url=f"/x?{name}=s3cr3t-value"
    )

    assert len(log_lines()) == 2
    assert "s3cr3t-value" not in json.dumps(log_lines())


def test_a_traceback_is_printed_without_its_secrets(log_lines):
    try:
        raise ValueError("GET /service/x?access_token=s3cr3t-value failed")  # noqa: TRY301
    except ValueError:
        logging.getLogger("dingtalk").exception("call_failed")

    (line,) = log_lines()
    assert "Traceback" in line["exception"]
    assert "s3cr3t-value" not in json.dumps(line)


def test_chinese_text_is_printed_as_it_is():
    record = logging.makeLogRecord({"name": "tenants", "msg": "authorised", "corp_name": "杭州示例科技"})

    assert "杭州示例科技" in JsonFormatter().format(record)


def test_a_request_is_shown_by_method_and_path_only(log_lines):
    request = RequestFactory().post("/callback/slug/?signature=s3cr3t-value&nonce=n0nce")

    logging.getLogger("django.security").error("refused", extra={"request": request})

    (line,) = log_lines()
    assert line["request"] == "POST /callback/slug/"


def test_every_handler_masks_and_prints_json():
    config = logging_config(level="INFO")

    for handler in config["handlers"].values():
        assert handler["filters"] == ["no_query", "redact"]
        assert handler["formatter"] == "json"
    assert config["filters"] == {"no_query": {"()": RequestWithoutQuery}, "redact": {"()": RedactingFilter}}


@pytest.mark.parametrize("path", ["/healthz?signature=s3cr3t-value", "/nowhere?access_token=s3cr3t-value"])
def test_the_log_of_a_request_has_its_id_and_no_query(log_lines, client, path):
    response = client.get(path)

    finished = [line for line in log_lines() if line["event"] == "request_finished"]
    assert [line["request"] for line in finished] == [f"GET {path.partition('?')[0]}"]
    assert finished[0]["request_id"] == response["X-Request-ID"]
    assert "s3cr3t-value" not in json.dumps(log_lines())


def test_a_request_for_a_host_of_others_is_logged_without_a_traceback(log_lines, client):
    response = client.get("/nowhere/", headers={"host": "evil.example"})

    assert response.status_code == 400
    assert [line["event"] for line in log_lines() if "exception" in line] == []


def test_a_long_path_is_logged_in_part(log_lines, client):
    client.get(f"/{'a' * 5_000}")

    (line,) = [line for line in log_lines() if line["event"] == "request_finished"]

    assert line["request"].startswith("GET /aaa")
    assert len(json.dumps(line)) < 1_000
