"""What comes back through the proxy: never the token, however DingTalk repeats it, and nothing too large."""

import json
import logging
from urllib.parse import quote

import pytest
import responses

from dingtalk.client import dingtalk_client
from dingtalk.client.http import MAX_ANSWER_BYTES
from dingtalk.foundation.models import AuditEntry
from tenants.models import Scope
from tests.tenants.api.conftest import TOKEN, App, _fresh_limits, code_of, make_app, make_tenant
from tests.tenants.proxy.test_proxy import send

__all__ = ["_fresh_limits", "make_app", "make_tenant"]
pytestmark = pytest.mark.django_db

CORP_ID = "dingcorp0001"
PROXY = f"/api/v1/tenants/suitekey0001/{CORP_ID}/proxy"
OLD, NEW = "oapi/topapi/v2/user/get", "api/v1.0/contact/users/me"
URLS = {
    OLD: "https://oapi.dingtalk.com/topapi/v2/user/get",
    NEW: "https://api.dingtalk.com/v1.0/contact/users/me",
}


@pytest.fixture
def app(make_app, make_tenant) -> App:
    make_tenant(CORP_ID)
    return make_app(scopes=(Scope.PROXY,), proxy_paths=["/topapi/**", "/v1.0/contact/**"])


@pytest.fixture
def dingtalk():
    """DingTalk at the other end of the wire, to which no limits are remembered."""
    dingtalk_client.cache_clear()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        yield wire


ECHOES = [
    *((status, f'{{"errcode":400002,"code":"{TOKEN}","errmsg":"{TOKEN}"}}') for status in (200, 400, 500)),
    (200, f'{{"errcode":0,"result":{{"{TOKEN}":["?access_token={TOKEN}"]}}}}'),
    (200, f'{{"errcode":0,"text":"{TOKEN.upper()}"}}'),
    (200, '{"errcode":0,"text":"' + "".join(f"\\u{ord(letter):04x}" for letter in TOKEN) + '"}'),
    (200, f'{{"errcode":90018,"errmsg":"{TOKEN}","request_id":"{TOKEN}"}}'),
    (429, f'{{"code":"{TOKEN}","message":"{TOKEN}","requestid":"{TOKEN}"}}'),
    (200, f"<html>{TOKEN}</html>"),
    (500, TOKEN),
    (302, TOKEN),
    (200, f'{{"errcode":0,"text":"{TOKEN}"'),
]


@pytest.mark.parametrize("path", [OLD, NEW])
def test_the_token_is_in_no_answer_no_log_and_no_audit_entry(app, dingtalk, caplog, path):
    caplog.set_level(logging.DEBUG)
    headers = {"Location": f"/?{TOKEN}", "Set-Cookie": f"a={TOKEN}", "X-Echo": TOKEN, "X-Other": "1"}

    for status, body in ECHOES:
        dingtalk_client.cache_clear()
        dingtalk.upsert("POST", URLS[path], body=body, status=status, headers=headers)
        answer = send(app, "POST", f"{PROXY}/{path}", {"userid": "u1"})

        call = dingtalk.calls[-1]
        assert TOKEN in call.request.url + str(call.request.headers)
        assert TOKEN not in json.dumps(answer.json()).lower(), body
        assert TOKEN not in (answer.content.decode() + str(answer.headers)).lower(), body
        assert not {"X-Echo", "X-Other", "Location", "Set-Cookie"} & set(answer.headers)

    assert len(dingtalk.calls) == len(ECHOES)
    assert TOKEN not in (caplog.text + repr(AuditEntry.objects.values_list())).lower()


def test_no_header_of_the_app_reaches_dingtalk(app, dingtalk):
    dingtalk.post(URLS[NEW], json={})
    headers = {
        "X-Acs-Dingtalk-Access-Token": "mine",
        "Cookie": "a=b",
        "X-Forwarded-For": "1.2.3.4",
        "X-Own": "1",
    }

    send(app, "POST", f"{PROXY}/{NEW}", {}, headers=headers)

    sent = dingtalk.calls[0].request.headers
    assert sent["x-acs-dingtalk-access-token"] == TOKEN
    assert not {"Cookie", "X-Forwarded-For", "X-Own", "Authorization"} & set(sent)


def test_what_is_sent_is_what_was_checked(app, dingtalk):
    dingtalk.post(URLS[OLD], json={"errcode": 0})

    send(
        app,
        "POST",
        f"{PROXY}/oapi/topapi/v2/%75ser/get?name={quote('张三&a=b')}",
        {"text": "赵磊", "n": 10**20},
    )

    request = dingtalk.calls[0].request
    assert request.url == f"{URLS[OLD]}?name={quote('张三&a=b')}&access_token={TOKEN}"
    assert json.loads(request.body) == {"text": "赵磊", "n": 10**20}


def test_an_answer_of_a_megabyte_is_passed_on_and_a_larger_one_is_not(app, dingtalk):
    padding = " " * (MAX_ANSWER_BYTES - len('{"errcode":0}'))
    dingtalk.post(URLS[OLD], body='{"errcode":0}' + padding)
    dingtalk.post(URLS[OLD], body='{"errcode":0}' + padding + " ")

    whole, cut = (send(app, "POST", f"{PROXY}/{OLD}", {}) for _ in range(2))

    assert (whole.status_code, len(whole.content)) == (200, MAX_ANSWER_BYTES)
    assert (cut.status_code, code_of(cut)) == (502, "proxy_answer_unusable")


def test_an_empty_answer_stays_empty(app, dingtalk):
    dingtalk.delete(URLS[NEW], body="", status=204)

    answer = send(app, "DELETE", f"{PROXY}/{NEW}")

    assert (answer.status_code, answer.content, answer["X-Answer-From"]) == (204, b"", "dingtalk")


def test_what_calls_itself_a_page_is_passed_on_as_json_when_it_is_json(app, dingtalk):
    dingtalk.post(URLS[OLD], body='{"errcode":0,"html":"<b>"}', content_type="text/html;charset=utf-8")

    assert send(app, "POST", f"{PROXY}/{OLD}", {})["Content-Type"] == "application/json"
