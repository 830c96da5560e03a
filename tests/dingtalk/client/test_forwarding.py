"""Passing on a call: the answer stays as it came, unless it shows the token or concerns the portal."""

import json
from typing import Any
from urllib.parse import quote

import pytest
import responses
from responses import matchers

from dingtalk.client.call import Call, Family, Request
from dingtalk.client.forwarding import ForwardedAnswer
from dingtalk.client.http import MAX_ANSWER_BYTES, OversizedAnswer
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.protocol.errors import CredentialRejected, RateLimited, TransportError
from tests.dingtalk.client.client_calls import API, CANARY, CORP_TOKEN, OAPI, make_client

OLD = Call("/topapi/v2/user/get", repeatable=False)
NEW = Call("/v1.0/contact/users/{id1}", family=Family.NEW, method="GET")
ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in CORP_TOKEN)


def forward(call: Call, answer: bytes | str | Exception, *, status: int = 200, **headers: str) -> Any:
    """What a call that is answered so comes to."""
    is_old = call.family is Family.OLD
    request = Request(
        call,
        path={} if is_old else {"id1": "u=1"},
        query={"access_token": CORP_TOKEN} if is_old else {"size": "5"},
        token="" if is_old else CORP_TOKEN,
        body={"userid": "u1"} if is_old else None,
    )
    url = OAPI + "/topapi/v2/user/get" if is_old else API + "/v1.0/contact/users/u%3D1"
    with responses.RequestsMock() as dingtalk:
        dingtalk.add(call.method, url, body=answer, status=status, headers=headers)
        return make_client().forward(request)


@pytest.mark.parametrize(
    ("call", "body", "status", "code"),
    [
        (OLD, '{ "errcode":0,  "result":{"n":1.10,"name":"张三"}}', 200, "0"),
        (OLD, '{"errcode":60121,"errmsg":"找不到该用户","request_id":"r"}', 200, "60121"),
        (OLD, '{"errcode":"43007"}', 200, "43007"),
        (OLD, '{"errcode":-1}', 200, "-1"),
        (OLD, "[1, 2]", 200, ""),
        (NEW, '{"nick":"张三","code":"a-one-time-code"}', 200, ""),
        (NEW, '{"code":"permission.denied","message":"no","requestid":"r"}', 400, "permission.denied"),
        (
            NEW,
            '{"code":"todo.taskCreate.tokenTypeError","message":"no"}',
            403,
            "todo.taskCreate.tokenTypeError",
        ),
        (NEW, '{"code":"forbidden.acrossOrg","message":"no"}', 403, "forbidden.acrossOrg"),
        (NEW, '{"code":"service.system.error"}', 500, "service.system.error"),
        (NEW, "", 204, ""),
        (NEW, "true", 200, ""),
    ],
)
def test_an_answer_is_returned_to_the_byte_whatever_it_says(call: Call, body: str, status: int, code: str):
    assert forward(call, body.encode(), status=status) == ForwardedAnswer(status, body.encode(), code)


@pytest.mark.parametrize("call", [OLD, NEW])
def test_the_token_goes_where_the_family_wants_it(call: Call):
    with responses.RequestsMock() as dingtalk:
        if call is OLD:
            dingtalk.post(
                OAPI + "/topapi/v2/user/get",
                json={"errcode": 0},
                match=[
                    matchers.query_param_matcher({"access_token": CORP_TOKEN}),
                    matchers.json_params_matcher({"userid": "u1"}),
                ],
            )
            request = Request(call, query={"access_token": CORP_TOKEN}, body={"userid": "u1"})
        else:
            header = {"x-acs-dingtalk-access-token": CORP_TOKEN}
            dingtalk.get(
                API + "/v1.0/contact/users/u1",
                json={},
                match=[matchers.query_param_matcher({}), matchers.header_matcher(header)],
            )
            request = Request(call, path={"id1": "u1"}, token=CORP_TOKEN)

        assert make_client().forward(request).status == 200


@pytest.mark.parametrize("call", [OLD, NEW])
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "shown",
    [CORP_TOKEN, quote(CORP_TOKEN, safe=""), ESCAPED, CORP_TOKEN.upper(), f"?access_token={CORP_TOKEN}&"],
)
def test_a_token_that_is_repeated_is_masked_wherever_it_is(call: Call, status: int, shown: str):
    template = '{{"errcode":400002,"code":"x {0}","message":"{0}","deep":[{{"{0}":["{0}",1]}}],"id":"u1"}}'

    answer = forward(call, template.format(shown).encode(), status=status)

    text = answer.body.decode() + answer.code + repr(answer)
    assert CANARY not in text.lower()
    assert json.loads(answer.body)["id"] == "u1"
    assert json.loads(answer.body)["message"].count("***") == 1


@pytest.mark.parametrize(
    ("call", "body", "status"),
    [
        (OLD, '{"errcode":88,"sub_code":"40014","sub_msg":"不合法的access_token","errmsg":"x"}', 200),
        (OLD, '{"errcode":40014,"errmsg":"x"}', 200),
        (OLD, '{"errcode":42001,"errmsg":"x"}', 200),
        (NEW, '{"code":"InvalidAuthentication","message":"x"}', 400),
        (NEW, '{"code":"anything","message":"x"}', 401),
    ],
)
def test_a_refused_token_is_an_error_so_that_it_can_be_renewed(call: Call, body: str, status: int):
    with pytest.raises(CredentialRejected):
        forward(call, body, status=status)


@pytest.mark.parametrize(
    ("call", "body", "status", "is_ban"),
    [
        (OLD, '{"status":1111,"wait":5,"source":"x5","punish":"deny"}', 200, True),
        (NEW, "<html>access denied</html>", 403, True),
        (OLD, '{"errcode":90018,"errmsg":"x"}', 200, False),
        (NEW, '{"code":"Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi"}', 403, False),
        (NEW, "slow down", 429, False),
    ],
)
def test_limits_and_bans_concern_the_portal(call: Call, body: str, status: int, is_ban: bool):
    with pytest.raises(RateLimited) as caught:
        forward(call, body, status=status)

    assert caught.value.ip_ban is is_ban


@pytest.mark.parametrize("call", [OLD, NEW])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("<html>系统繁忙</html>", 200),
        ("<html>nginx</html>", 502),
        ("errcode=0", 200),
        ("", 404),
        ('{"errcode":0', 200),
        ('{"a":NaN}', 200),
        ("[" * 100 + "]" * 100, 200),
        ('{"errcode":0}', 302),
        (b"\xff\xfe", 200),
    ],
)
def test_what_is_no_json_cannot_be_passed_on(call: Call, body: Any, status: int):
    with pytest.raises(UnusableAnswer) as caught:
        forward(call, body, status=status, Location="/elsewhere")

    assert str(body) not in str(caught.value) or not body
    assert caught.value.__context__ is None


def test_more_than_a_megabyte_cannot_be_passed_on_and_a_megabyte_can():
    padding = " " * (MAX_ANSWER_BYTES - len('{"errcode":0}'))

    assert len(forward(OLD, '{"errcode":0}' + padding).body) == MAX_ANSWER_BYTES
    with pytest.raises(OversizedAnswer):
        forward(OLD, '{"errcode":0}' + padding + " ")


@pytest.mark.parametrize(("call", "retryable"), [(OLD, False), (NEW, True)])
def test_without_an_answer_only_a_reading_call_may_be_repeated(call: Call, retryable: bool):
    with pytest.raises(TransportError) as caught:
        forward(call, ConnectionResetError(f"{OAPI}?access_token={CORP_TOKEN}"))

    assert caught.value.retryable is retryable
    assert CANARY not in str(caught.value)
