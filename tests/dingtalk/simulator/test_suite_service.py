"""`/service/*`: every call, and every refusal with its own errcode."""

import time

import pytest

from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_company, make_isv
from tests.dingtalk.simulator.isv import Isv


@pytest.fixture
def granted(isv: Isv, corp_id: str) -> str:
    """A company that has authorised the suite; nothing was pushed."""
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
    return corp_id


def code_of(isv: Isv, corp_id: str) -> str:
    """A temporary code of a company's new consent."""
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
    return isv.grant(corp_id)["unspent_codes"][0]


def test_a_suite_token_is_given_for_key_secret_and_ticket(isv: Isv):
    body = {"suite_key": isv.suite_key, "suite_secret": isv.secret, "suite_ticket": isv.ticket}

    answer = isv.post("/service/get_suite_token", body)

    assert answer["errcode"] == 0
    assert answer["expires_in"] == 7200
    assert answer["suite_access_token"]


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"suite_key": ""}, 41021),
        ({"suite_secret": ""}, 41024),
        ({"suite_ticket": ""}, 41023),
        ({"suite_key": "suiteunknown"}, 40088),
        ({"suite_secret": "wrong"}, 40088),
        ({"suite_secret": "\ud800"}, 40088),
        ({"suite_ticket": "wrong"}, 40085),
    ],
)
def test_a_suite_token_is_refused(isv: Isv, changes: dict, errcode: int):
    body = {"suite_key": isv.suite_key, "suite_secret": isv.secret, "suite_ticket": isv.ticket, **changes}

    assert isv.post("/service/get_suite_token", body)["errcode"] == errcode


def test_a_new_ticket_ends_the_old_one(isv: Isv):
    old = isv.ticket
    isv.remote.push_ticket(isv.suite_key)
    body = {"suite_key": isv.suite_key, "suite_secret": isv.secret}

    refused = isv.post("/service/get_suite_token", {**body, "suite_ticket": old})
    given = isv.post("/service/get_suite_token", {**body, "suite_ticket": isv.ticket})

    assert refused["errcode"] == 40085
    assert given["errcode"] == 0


def test_a_temporary_code_buys_the_permanent_code_once(legacy_isv: Isv, corp_id: str):
    code, token = code_of(legacy_isv, corp_id), legacy_isv.suite_token()

    first = legacy_isv.post("/service/get_permanent_code", {"tmp_auth_code": code}, suite_access_token=token)
    second = legacy_isv.post("/service/get_permanent_code", {"tmp_auth_code": code}, suite_access_token=token)

    assert first["permanent_code"] == legacy_isv.grant(corp_id)["permanent_code"]
    assert first["auth_corp_info"] == {"corpid": corp_id, "corp_name": "苏州平江茶业"}
    assert second["errcode"] == 40078


def test_of_several_codes_of_one_consent_only_the_first_one_used_works(legacy_isv: Isv, corp_id: str):
    legacy_isv.remote.act(
        legacy_isv.suite_key, corp_id, "authorize", silent=True, deliveries=2, different_codes=True
    )
    codes, token = legacy_isv.grant(corp_id)["unspent_codes"], legacy_isv.suite_token()

    answers = [
        legacy_isv.post("/service/get_permanent_code", {"tmp_auth_code": code}, suite_access_token=token)
        for code in codes
    ]

    assert [answer["errcode"] for answer in answers] == [0, 40078]


def test_a_code_of_another_suite_is_unknown(
    legacy_isv: Isv, corp_id: str, shared_simulator: RunningSimulator
):
    other = make_isv(shared_simulator, push_mode="http")
    code = code_of(legacy_isv, corp_id)

    answer = other.post(
        "/service/get_permanent_code", {"tmp_auth_code": code}, suite_access_token=other.suite_token()
    )

    assert answer["errcode"] == 40078


def test_a_missing_code_has_an_errcode_of_its_own(isv: Isv):
    answer = isv.post("/service/get_permanent_code", {}, suite_access_token=isv.suite_token())

    assert answer["errcode"] == 41026


@pytest.mark.parametrize(
    "path", ["get_permanent_code", "activate_suite", "get_agent", "get_unactive_corp", "reauth_corp"]
)
@pytest.mark.parametrize(("token", "errcode"), [("", 41022), ("unknown", 40082)])
def test_a_bad_suite_token_is_refused(isv: Isv, path: str, token: str, errcode: int):
    assert isv.post(f"/service/{path}", {}, suite_access_token=token)["errcode"] == errcode


def test_an_expired_suite_token_is_refused(isv: Isv):
    token = isv.suite_token()
    isv.remote._call("POST", "/_sim/tokens/expire", {"suite_key": isv.suite_key})

    assert isv.post("/service/get_unactive_corp", {}, suite_access_token=token)["errcode"] == 42009


def test_a_legacy_company_waits_until_it_is_activated_and_may_be_activated_again(
    legacy_isv: Isv, corp_id: str
):
    code_of(legacy_isv, corp_id)
    token = legacy_isv.suite_token()
    body = {
        "suite_key": legacy_isv.suite_key,
        "auth_corpid": corp_id,
        "permanent_code": legacy_isv.grant(corp_id)["permanent_code"],
    }

    def waiting() -> list[str]:
        return legacy_isv.post("/service/get_unactive_corp", {}, suite_access_token=token)["corp_list"]

    before = waiting()
    answers = [legacy_isv.post("/service/activate_suite", body, suite_access_token=token) for _ in range(2)]

    assert before == [corp_id]
    assert [answer["errcode"] for answer in answers] == [0, 0]
    assert waiting() == []
    assert legacy_isv.grant(corp_id)["activated"] is True


def test_a_company_under_sync_http_is_active_at_once(sync_isv: Isv, corp_id: str):
    sync_isv.remote.act(sync_isv.suite_key, corp_id, "authorize", silent=True)

    answer = sync_isv.post("/service/get_unactive_corp", {}, suite_access_token=sync_isv.suite_token())

    assert answer["corp_list"] == []
    assert answer["has_more"] is False


def test_activation_checks_code_company_and_suite(
    legacy_isv: Isv, corp_id: str, shared_simulator: RunningSimulator
):
    code_of(legacy_isv, corp_id)
    other_corp_id = make_company(shared_simulator)
    right = {
        "suite_key": legacy_isv.suite_key,
        "auth_corpid": corp_id,
        "permanent_code": legacy_isv.grant(corp_id)["permanent_code"],
    }
    token = legacy_isv.suite_token()

    def errcode(**changes: str) -> int:
        answer = legacy_isv.post("/service/activate_suite", {**right, **changes}, suite_access_token=token)
        return answer["errcode"]

    assert errcode(suite_key="suiteother") == 40083
    assert errcode(suite_key="") == 41021
    assert errcode(auth_corpid="") == 41027
    assert errcode(permanent_code="wrong") == 40084
    assert errcode(permanent_code="") == 40084
    assert errcode(auth_corpid=other_corp_id) == 41031


def test_auth_info_tells_how_far_a_company_is_verified(isv: Isv, shared_simulator: RunningSimulator):
    corp_id = make_company(shared_simulator, auth_level=2)
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)

    answer = isv.post("/service/get_auth_info", {"auth_corpid": corp_id}, **isv.signed_query())

    info = answer["auth_corp_info"]
    assert (info["auth_level"], info["is_authenticated"]) == (2, True)


def test_auth_info_tells_what_was_granted(isv: Isv, granted: str):
    answer = isv.post("/service/get_auth_info", {"auth_corpid": granted}, **isv.signed_query())

    assert answer["errcode"] == 0
    assert answer["auth_corp_info"]["corp_name"] == "苏州平江茶业"
    assert answer["auth_user_info"] == {"userId": "manager01"}
    (agent,) = answer["auth_info"]["agent"]
    assert agent["agentid"] == isv.grant(granted)["agent_id"]
    assert isinstance(agent["appid"], int)
    assert answer["channel_auth_info"] == {"channelAgent": []}


@pytest.mark.parametrize("path", ["/service/get_auth_info", "/service/get_corp_token"])
def test_the_old_form_takes_a_suite_token_and_the_permanent_code(isv: Isv, granted: str, path: str):
    body = {
        "suite_key": isv.suite_key,
        "auth_corpid": granted,
        "permanent_code": isv.grant(granted)["permanent_code"],
    }
    token = isv.suite_token()

    assert isv.post(path, body, suite_access_token=token)["errcode"] == 0
    wrong = {**body, "permanent_code": "wrong"}
    assert isv.post(path, wrong, suite_access_token=token)["errcode"] == 40084


def test_old_clients_ask_for_auth_info_without_the_permanent_code(isv: Isv, granted: str):
    body, token = {"suite_key": isv.suite_key, "auth_corpid": granted}, isv.suite_token()

    told = isv.post("/service/get_auth_info", body, suite_access_token=token)
    stranger = isv.post("/service/get_auth_info", {**body, "auth_corpid": "x"}, suite_access_token=token)
    no_token = isv.post("/service/get_corp_token", body, suite_access_token=token)

    assert told["auth_corp_info"]["corpid"] == granted
    assert stranger["errcode"] == 41030
    assert no_token["errcode"] == 40084


@pytest.mark.parametrize("path", ["/service/get_auth_info", "/service/get_corp_token"])
@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"accessKey": "suiteunknown"}, 853003),
        ({"accessKey": ""}, 853003),
        ({"timestamp": "1700000000"}, 853001),
        ({"timestamp": "soon"}, 853001),
        ({"timestamp": "1700000000000"}, 853002),
        ({"signature": "d3Jvbmc="}, 853004),
        ({"signature": ""}, 853004),
        ({"suiteTicket": "replaced"}, 853005),
    ],
)
def test_a_wrong_signature_is_refused_by_what_is_wrong(
    isv: Isv, granted: str, path: str, changes: dict, errcode: int
):
    query = isv.signed_query(**changes)

    assert isv.post(path, {"auth_corpid": granted}, **query)["errcode"] == errcode


@pytest.mark.parametrize(("seconds", "errcode"), [(-55, 0), (55, 0), (-65, 853002), (65, 853002)])
def test_a_clock_may_be_off_by_a_minute(isv: Isv, granted: str, seconds: int, errcode: int):
    query = isv.signed_query(timestamp=int((time.time() + seconds) * 1000))

    assert isv.post("/service/get_auth_info", {"auth_corpid": granted}, **query)["errcode"] == errcode


@pytest.mark.parametrize("path", ["/service/get_auth_info", "/service/get_corp_token"])
def test_a_company_without_a_grant_is_refused(isv: Isv, corp_id: str, path: str):
    assert isv.post(path, {"auth_corpid": corp_id}, **isv.signed_query())["errcode"] == 41030
    assert isv.post(path, {"auth_corpid": "dingnobody"}, **isv.signed_query())["errcode"] == 41030
    assert isv.post(path, {}, **isv.signed_query())["errcode"] == 41027


def test_each_request_for_a_corp_token_gives_a_new_one_and_both_work(isv: Isv, granted: str):
    tokens = [isv.corp_token(granted) for _ in range(2)]

    assert tokens[0] != tokens[1]
    for token in tokens:
        assert isv.call("GET", "/auth/scopes", access_token=token).json()["errcode"] == 0


def test_an_option_lets_a_new_corp_token_end_the_old_one(own_simulator: RunningSimulator):
    own_simulator.options.old_token_survives = False
    isv, corp_id = make_isv(own_simulator), make_company(own_simulator)
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)

    old, new = isv.corp_token(corp_id), isv.corp_token(corp_id)

    assert isv.call("GET", "/auth/scopes", access_token=old).json()["errcode"] == 40014
    assert isv.call("GET", "/auth/scopes", access_token=new).json()["errcode"] == 0


def test_an_agent_tells_whether_the_app_is_on(legacy_isv: Isv, corp_id: str):
    isv = legacy_isv
    code_of(isv, corp_id)
    grant, token = isv.grant(corp_id), isv.suite_token()
    # The official Java SDK sends every value as a text.
    body = {"suite_key": isv.suite_key, "auth_corpid": corp_id, "agentid": str(grant["agent_id"])}

    def agent() -> dict:
        return isv.post("/service/get_agent", body, suite_access_token=token, **isv.signed_query())

    waiting = agent()
    activation = {**body, "permanent_code": grant["permanent_code"]}
    isv.post("/service/activate_suite", activation, suite_access_token=token)
    normal = agent()
    isv.remote.act(isv.suite_key, corp_id, "stop", silent=True)
    stopped = agent()
    isv.remote.act(isv.suite_key, corp_id, "remove", silent=True)
    removed = agent()

    assert [waiting["close"], normal["close"], stopped["close"]] == [2, 1, 0]
    assert waiting["agentid"] == grant["agent_id"]
    assert removed["errcode"] == 70004


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [({"agentid": "x"}, 40056), ({"agentid": "1"}, 70004), ({"auth_corpid": "dingnobody"}, 41030)],
)
def test_an_agent_that_is_not_there_is_refused(isv: Isv, granted: str, changes: dict, errcode: int):
    body = {"auth_corpid": granted, "agentid": isv.grant(granted)["agent_id"], **changes}

    answer = isv.post("/service/get_agent", body, suite_access_token=isv.suite_token())

    assert answer["errcode"] == errcode


def test_a_wrong_signature_beside_a_suite_token_is_refused(isv: Isv, granted: str):
    body = {"auth_corpid": granted, "agentid": isv.grant(granted)["agent_id"]}
    query = isv.signed_query(signature="d3Jvbmc=")

    answer = isv.post("/service/get_agent", body, suite_access_token=isv.suite_token(), **query)

    assert answer["errcode"] == 853004


def test_reauthorising_a_company_that_is_not_there_is_refused(isv: Isv, corp_id: str):
    answer = isv.post(
        "/service/reauth_corp", {"corpid_list": [corp_id]}, suite_access_token=isv.suite_token()
    )

    assert answer["errcode"] == 41030


@pytest.mark.parametrize("path", ["get_unactive_corp", "reauth_corp"])
def test_another_app_id_is_refused(isv: Isv, path: str):
    answer = isv.post(f"/service/{path}", {"app_id": "1"}, suite_access_token=isv.suite_token())

    assert answer["errcode"] == 40035


def test_a_withdrawn_grant_leaves_nothing_that_works(isv: Isv, granted: str):
    corp_token, suite_token = isv.corp_token(granted), isv.suite_token()
    body = {"auth_corpid": granted, "permanent_code": isv.grant(granted)["permanent_code"]}

    isv.remote.act(isv.suite_key, granted, "relieve", silent=True)

    assert isv.call("GET", "/auth/scopes", access_token=corp_token).json()["errcode"] == 40014
    old_form = isv.post("/service/get_corp_token", body, suite_access_token=suite_token)
    assert old_form["errcode"] == 40084
    signed = isv.post("/service/get_corp_token", {"auth_corpid": granted}, **isv.signed_query())
    assert signed["errcode"] == 41030


def test_a_new_grant_has_a_new_permanent_code_and_does_not_revive_old_tokens(isv: Isv, granted: str):
    old_token, old_code = isv.corp_token(granted), isv.grant(granted)["permanent_code"]
    isv.remote.act(isv.suite_key, granted, "relieve", silent=True)

    isv.remote.act(isv.suite_key, granted, "authorize", silent=True)

    assert isv.grant(granted)["permanent_code"] not in ("", old_code)
    assert isv.call("GET", "/auth/scopes", access_token=old_token).json()["errcode"] == 40014
    assert isv.call("GET", "/auth/scopes", access_token=isv.corp_token(granted)).json()["errcode"] == 0
