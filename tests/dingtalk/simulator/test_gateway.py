"""How calls are read and how answers look on the wire."""

import json
import statistics
import time
from urllib.parse import urlencode

import pytest
import requests

from tests.dingtalk.simulator.isv import Isv

TOKEN_PATH = "/service/get_suite_token"


def app(isv: Isv) -> dict[str, str]:
    return {"suite_key": isv.suite_key, "suite_secret": isv.secret, "suite_ticket": isv.ticket}


def test_the_root_says_what_this_is(sync_isv: Isv):
    answer = sync_isv.call("GET", "/")

    assert "not DingTalk" in answer.text
    assert answer.text.count("\n") == 1


@pytest.mark.parametrize(
    ("content_type", "as_form"),
    [
        ("application/json", False),
        ("application/x-www-form-urlencoded;charset=utf-8", True),
        ("application/x-www-form-urlencoded", False),
        ("text/plain", False),
        ("", False),
        ("", True),
    ],
)
def test_the_old_family_reads_json_forms_and_json_that_is_called_a_form(
    sync_isv: Isv, content_type: str, as_form: bool
):
    body = urlencode(app(sync_isv)) if as_form else json.dumps(app(sync_isv))

    answer = requests.post(
        sync_isv.base_url + TOKEN_PATH,
        data=body.encode(),
        headers={"Content-Type": content_type} if content_type else {},
        timeout=10,
    )

    assert answer.json()["errcode"] == 0


@pytest.mark.parametrize("path", [TOKEN_PATH, "/v1.0/oauth2/suiteAccessToken"])
def test_chunked_bodies_are_read(sync_isv: Isv, path: str):
    body = {
        **app(sync_isv),
        "suiteKey": sync_isv.suite_key,
        "suiteSecret": sync_isv.secret,
        "suiteTicket": sync_isv.ticket,
    }
    text = json.dumps(body).encode()

    answer = requests.post(
        sync_isv.base_url + path,
        data=iter([text[:10], text[10:]]),
        headers={"Content-Type": "application/json"},
        timeout=10,
    )

    assert answer.request.headers["Transfer-Encoding"] == "chunked"
    assert answer.status_code == 200
    assert answer.json().get("errcode", 0) == 0


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"text"', b"\xff", b"{" + b'"a":[' * 100_000])
def test_an_unreadable_body_is_a_parameter_error(sync_isv: Isv, body: bytes):
    answer = requests.post(
        sync_isv.base_url + TOKEN_PATH,
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=10,
    )

    assert answer.status_code == 200
    assert answer.json()["errcode"] == 40035


def test_what_a_client_accepts_is_ignored(sync_isv: Isv):
    answer = requests.post(
        sync_isv.base_url + TOKEN_PATH,
        json=app(sync_isv),
        headers={"Accept": "text/xml,text/javascript"},
        timeout=10,
    )

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")


def test_answers_are_raw_utf8_without_escapes(sync_isv: Isv):
    for answer in (
        sync_isv.call("POST", TOKEN_PATH, {}),
        sync_isv.call("POST", "/v1.0/nothing", {}),
    ):
        assert b"\\u" not in answer.content
        assert any(character > "\u4e00" for character in answer.content.decode())


def test_an_unknown_topapi_method_is_errcode_22(sync_isv: Isv):
    answer = sync_isv.post("/topapi/v2/nothing", {}, access_token="x")

    assert (answer["errcode"], answer["errmsg"]) == (22, "Invalid method")
    assert answer["sub_code"]


def test_another_unknown_path_is_errcode_404(sync_isv: Isv):
    answer = sync_isv.post("/service/nothing", {})

    assert (answer["errcode"], answer["errmsg"]) == (404, "请求的URI地址不存在")


@pytest.mark.parametrize(
    ("method", "path", "errcode"), [("GET", TOKEN_PATH, 43002), ("POST", "/auth/scopes", 43001)]
)
def test_a_wrong_method_is_refused(sync_isv: Isv, method: str, path: str, errcode: int):
    answer = sync_isv.call(method, path)

    assert answer.status_code == 200
    assert answer.json()["errcode"] == errcode


def test_every_call_is_in_the_ledger_and_can_be_found(sync_isv: Isv, corp_id: str):
    remote = sync_isv.remote
    sync_isv.remote.act(sync_isv.suite_key, corp_id, "authorize", silent=True)
    sync_isv.corp_token(corp_id)
    refused = sync_isv.call("POST", f"/v1.0/oauth2/{corp_id}/token", {}).json()

    (signed,) = remote.calls(suite_key=sync_isv.suite_key, corp_id=corp_id)["calls"]
    by_name = remote.calls(endpoint="/v1.0/oauth2/{corpId}/token", since_id=signed["id"])["calls"]

    assert (signed["endpoint"], signed["code"]) == ("/service/get_corp_token", 0)
    assert refused["requestid"] in [call["request_id"] for call in by_name]
    assert "unsupported.grant.type" in [call["code"] for call in by_name]


def test_answers_on_a_kept_connection_do_not_wait_for_an_acknowledgement(sync_isv: Isv):
    taken = []
    with requests.Session() as session:
        for _ in range(15):
            started = time.perf_counter()
            session.post(sync_isv.base_url + TOKEN_PATH, json={}, timeout=10)
            taken.append(time.perf_counter() - started)

    # With Nagle's algorithm every answer but the first few would take 40 ms or more.
    assert statistics.median(taken) < 0.035
