"""The client and the simulator, which share no code, understand each other: every call and refusal."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dingtalk.client import DingTalkClient, IssuedToken, SuiteIdentity
from dingtalk.client.installations import AgentSwitch, InstalledAgent
from dingtalk.protocol.actions import Action
from dingtalk.protocol.errors import (
    ApiError,
    AuthorizationGone,
    CodeSpent,
    CredentialRejected,
    RateLimited,
    TicketRejected,
    Transient,
    TransportError,
)
from dingtalk.simulator.options import SimulatorOptions
from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_company, make_isv
from tests.dingtalk.simulator.isv import Isv

NAME = "苏州平江茶业"


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(options=SimulatorOptions(), seed={}) as running:
        yield running


@pytest.fixture
def isv(simulator: RunningSimulator) -> Iterator[Isv]:
    """A suite of its own for each test; under legacy HTTP a grant waits for activation."""
    yield make_isv(simulator, push_mode="http")
    simulator.remote.clear_faults()


@pytest.fixture
def corp_id(simulator: RunningSimulator, isv: Isv) -> str:
    """A company that has authorised the suite."""
    corp_id = make_company(simulator, name=NAME)
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
    return corp_id


@pytest.fixture
def client(simulator: RunningSimulator) -> DingTalkClient:
    return DingTalkClient(
        oapi_base_url=simulator.base_url,
        api_base_url=simulator.base_url,
        connect_timeout_seconds=2.0,
        read_timeout_seconds=5.0,
    )


@pytest.fixture
def identity(isv: Isv) -> SuiteIdentity:
    return SuiteIdentity(suite_key=isv.suite_key, suite_secret=isv.secret, suite_ticket=isv.ticket)


@pytest.fixture
def suite_token(client: DingTalkClient, identity: SuiteIdentity) -> str:
    return client.get_suite_access_token(identity).token


def refusal(call: Callable[[], Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call()
    assert caught.value.request_id
    return caught.value


def changed(identity: SuiteIdentity, **changes: str) -> SuiteIdentity:
    values = {
        "suite_key": identity.suite_key,
        "suite_secret": identity.suite_secret,
        "suite_ticket": identity.suite_ticket,
    }
    return SuiteIdentity(**{**values, **changes})


def temporary_code(isv: Isv, corp_id: str) -> str:
    return str(isv.grant(corp_id)["unspent_codes"][0])


# --- The suite's own token ---------------------------------------------------------------------


def test_a_suite_gets_its_token(client: DingTalkClient, identity: SuiteIdentity):
    issued = client.get_suite_access_token(identity)

    assert issued.token
    assert issued.expires_in_seconds == 7200


def test_a_wrong_secret_is_a_matter_of_configuration(client: DingTalkClient, identity: SuiteIdentity):
    error = refusal(lambda: client.get_suite_access_token(changed(identity, suite_secret="wrong")))

    assert (error.code, error.action) == ("40088", Action.CONFIG)


def test_an_old_ticket_is_rejected_by_every_call_that_takes_one(
    client: DingTalkClient, isv: Isv, identity: SuiteIdentity, corp_id: str
):
    isv.remote.push_ticket(isv.suite_key)

    errors = [
        refusal(lambda: client.get_suite_access_token(identity)),
        refusal(lambda: client.get_auth_info(identity, corp_id=corp_id)),
        refusal(lambda: client.get_corp_token(identity, corp_id=corp_id)),
        refusal(lambda: client.get_corp_access_token(identity, corp_id=corp_id)),
    ]

    assert [type(error) for error in errors] == [TicketRejected] * 4
    assert [error.code for error in errors] == ["40085", "853005", "853005", "invalidSuiteTicket"]


# --- Signed calls ------------------------------------------------------------------------------


def test_what_a_company_has_granted_is_told(client: DingTalkClient, identity: SuiteIdentity, corp_id: str):
    grant = client.get_auth_info(identity, corp_id=corp_id)

    assert (grant.corp_id, grant.corp_name) == (corp_id, NAME)
    assert len(grant.agents) == 1
    assert grant.admin_user_ids


@pytest.mark.parametrize("ticket", ["a+b/c=d", "票 据&=%2B", "~*'()!"])
def test_a_signature_with_any_ticket_is_understood(
    client: DingTalkClient, identity: SuiteIdentity, corp_id: str, ticket: str
):
    error = refusal(lambda: client.get_corp_token(changed(identity, suite_ticket=ticket), corp_id=corp_id))

    assert error.code == "853005"


def test_a_wrong_signature_or_suite_is_a_matter_of_configuration(
    client: DingTalkClient, identity: SuiteIdentity, corp_id: str
):
    wrong_secret = changed(identity, suite_secret="wrong")
    wrong_key = changed(identity, suite_key="suiteunknown")

    errors = [
        refusal(lambda: client.get_corp_token(wrong_secret, corp_id=corp_id)),
        refusal(lambda: client.get_auth_info(wrong_key, corp_id=corp_id)),
    ]

    assert [error.code for error in errors] == ["853004", "853003"]
    assert {error.action for error in errors} == {Action.CONFIG}


def test_a_clock_that_is_wrong_is_told(simulator: RunningSimulator, identity: SuiteIdentity, corp_id: str):
    late = DingTalkClient(
        oapi_base_url=simulator.base_url,
        api_base_url=simulator.base_url,
        connect_timeout_seconds=2.0,
        read_timeout_seconds=5.0,
        clock=lambda: 1_000_000_000.0,
    )

    assert refusal(lambda: late.get_corp_token(identity, corp_id=corp_id)).code == "853002"


# --- A company's token -------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get_corp_token", "get_corp_access_token"])
def test_a_company_token_comes_either_way_and_works(
    client: DingTalkClient, identity: SuiteIdentity, corp_id: str, method: str
):
    issued = getattr(client, method)(identity, corp_id=corp_id)

    assert issued.expires_in_seconds == 7200
    assert client.get_auth_scopes(corp_access_token=issued.token)["dept_ids"] == [1]


@pytest.mark.parametrize(
    ("method", "code"),
    [("get_auth_info", "41030"), ("get_corp_token", "41030"), ("get_corp_access_token", "invalidAuthInfo")],
)
def test_a_company_that_has_withdrawn_is_gone(
    client: DingTalkClient, isv: Isv, identity: SuiteIdentity, corp_id: str, method: str, code: str
):
    isv.remote.act(isv.suite_key, corp_id, "relieve", silent=True)

    error = refusal(lambda: getattr(client, method)(identity, corp_id=corp_id))

    assert type(error) is AuthorizationGone
    assert error.code == code


def test_the_new_call_names_an_unknown_suite(client: DingTalkClient, identity: SuiteIdentity, corp_id: str):
    unknown = changed(identity, suite_key="suiteunknown")

    assert refusal(lambda: client.get_corp_access_token(unknown, corp_id=corp_id)).code == "invalidSuiteKey"


def test_a_changed_scope_is_told(client: DingTalkClient, isv: Isv, identity: SuiteIdentity, corp_id: str):
    isv.remote.act(isv.suite_key, corp_id, "change", silent=True, dept_ids=[2], user_ids=["lisi"])
    token = client.get_corp_token(identity, corp_id=corp_id).token

    scope = client.get_auth_scopes(corp_access_token=token)

    assert (scope["dept_ids"], scope["user_ids"]) == ([2], ["lisi"])
    assert "name" in scope["user_fields"]


def test_a_company_token_that_is_not_good_is_rejected(client: DingTalkClient):
    error = refusal(lambda: client.get_auth_scopes(corp_access_token="not-a-token"))

    assert type(error) is CredentialRejected
    assert (error.code, error.action) == ("40014", Action.REFRESH_TOKEN)


# --- With the suite's token --------------------------------------------------------------------


def test_a_temporary_code_works_once(client: DingTalkClient, isv: Isv, corp_id: str, suite_token: str):
    code = temporary_code(isv, corp_id)

    answer = client.get_permanent_code(suite_access_token=suite_token, tmp_auth_code=code)
    again = refusal(lambda: client.get_permanent_code(suite_access_token=suite_token, tmp_auth_code=code))

    assert (answer.corp_id, answer.corp_name) == (corp_id, NAME)
    assert answer.permanent_code == isv.grant(corp_id)["permanent_code"]
    assert type(again) is CodeSpent
    assert again.code == "40078"


def test_a_code_whose_answer_was_lost_is_spent(
    client: DingTalkClient, isv: Isv, corp_id: str, suite_token: str
):
    code = temporary_code(isv, corp_id)
    isv.remote.add_fault(endpoint="/service/get_permanent_code", kind="drop_answer")

    with pytest.raises(TransportError) as lost:
        client.get_permanent_code(suite_access_token=suite_token, tmp_auth_code=code)
    again = refusal(lambda: client.get_permanent_code(suite_access_token=suite_token, tmp_auth_code=code))

    assert lost.value.retryable is False
    assert type(again) is CodeSpent


def test_a_company_waits_until_it_is_activated(
    client: DingTalkClient, isv: Isv, corp_id: str, suite_token: str
):
    permanent_code = isv.grant(corp_id)["permanent_code"]
    waiting = client.get_unactive_corps(suite_access_token=suite_token)

    for _ in range(2):
        client.activate_suite(
            suite_access_token=suite_token,
            suite_key=isv.suite_key,
            corp_id=corp_id,
            permanent_code=permanent_code,
        )

    assert waiting.corp_ids == [corp_id]
    assert waiting.has_more is False
    after = client.get_unactive_corps(suite_access_token=suite_token, app_id=waiting.app_id)
    assert after.corp_ids == []


def test_a_wrong_permanent_code_does_not_activate(
    client: DingTalkClient, isv: Isv, corp_id: str, suite_token: str
):
    error = refusal(
        lambda: client.activate_suite(
            suite_access_token=suite_token, suite_key=isv.suite_key, corp_id=corp_id, permanent_code="wrong"
        )
    )

    assert error.code == "40084"
    assert isv.grant(corp_id)["activated"] is False


def test_waiting_companies_are_invited_again(
    client: DingTalkClient, isv: Isv, corp_id: str, suite_token: str
):
    app_id = client.get_unactive_corps(suite_access_token=suite_token).app_id

    client.reauth_corp(suite_access_token=suite_token, app_id=app_id, corp_ids=[corp_id])
    client.reauth_corp(suite_access_token=suite_token, app_id=None, corp_ids=[corp_id])
    error = refusal(
        lambda: client.reauth_corp(suite_access_token=suite_token, app_id=None, corp_ids=["dingnobody"])
    )

    assert error.code == "41030"


@pytest.mark.parametrize("is_expired", [False, True])
def test_a_suite_token_that_is_not_good_is_rejected_by_every_call_that_takes_one(
    client: DingTalkClient, isv: Isv, suite_token: str, is_expired: bool
):
    token = suite_token if is_expired else "not-a-token"
    if is_expired:
        isv.remote._call("POST", "/_sim/tokens/expire", {"suite_key": isv.suite_key})

    errors = [
        refusal(lambda: client.get_permanent_code(suite_access_token=token, tmp_auth_code="code")),
        refusal(
            lambda: client.activate_suite(
                suite_access_token=token, suite_key=isv.suite_key, corp_id="c", permanent_code="p"
            )
        ),
        refusal(lambda: client.get_unactive_corps(suite_access_token=token)),
        refusal(lambda: client.reauth_corp(suite_access_token=token, app_id=None, corp_ids=["c"])),
    ]

    assert [type(error) for error in errors] == [CredentialRejected] * 4
    assert {error.code for error in errors} == {"42009" if is_expired else "40082"}
    assert {error.action for error in errors} == {Action.REFRESH_SUITE_TOKEN}


# --- The other generation of each call ---------------------------------------------------------


def test_the_suite_token_of_either_call_opens_the_calls_of_both(
    client: DingTalkClient, identity: SuiteIdentity, corp_id: str
):
    for issued in (client.get_suite_access_token(identity), client.create_suite_access_token(identity)):
        assert issued.expires_in_seconds == 7200
        assert client.get_unactive_corps(suite_access_token=issued.token).corp_ids == [corp_id]
        info = client.get_app_auth_info(suite_access_token=issued.token, corp_id=corp_id)
        assert (info.corp_name, info.auth_level) == (NAME, 0)


def test_the_new_suite_token_is_refused_by_the_name_of_what_is_wrong(
    client: DingTalkClient, identity: SuiteIdentity
):
    errors = [
        refusal(lambda: client.create_suite_access_token(changed(identity, suite_ticket="old"))),
        refusal(lambda: client.create_suite_access_token(changed(identity, suite_secret="wrong"))),
    ]

    assert [error.code for error in errors] == ["invalidSuiteTicket", "invalidClientIdOrSecret"]
    assert type(errors[0]) is TicketRejected


def test_an_installed_agent_is_told_as_it_is(
    client: DingTalkClient, isv: Isv, identity: SuiteIdentity, corp_id: str, suite_token: str
):
    agent_id = isv.grant(corp_id)["agent_id"]

    def agent(number: int = agent_id) -> InstalledAgent:
        return client.get_agent(identity, suite_access_token=suite_token, corp_id=corp_id, agent_id=number)

    assert (agent().agent_id, agent().switch) == (agent_id, AgentSwitch.WAITING_FOR_ACTIVATION)
    isv.remote.act(isv.suite_key, corp_id, "stop", silent=True)
    assert agent().switch is AgentSwitch.DISABLED
    assert refusal(lambda: agent(1)).code == "70004"
    listed = client.get_app_auth_info(suite_access_token=suite_token, corp_id=corp_id).agents
    assert [each.agent_id for each in listed] == [agent_id]


def test_the_unified_call_needs_no_ticket(client: DingTalkClient, isv: Isv, corp_id: str):
    def unified(secret: str = isv.secret, corp: str = corp_id) -> IssuedToken:
        return client.get_unified_token(client_id=isv.suite_key, client_secret=secret, corp_id=corp)

    issued = unified()

    assert issued.expires_in_seconds == 7200
    assert client.get_auth_scopes(corp_access_token=issued.token)["dept_ids"] == [1]
    assert refusal(lambda: unified(secret="wrong")).code == "invalid.client"
    assert type(refusal(lambda: unified(corp="ding nobody%20"))) is AuthorizationGone


def test_a_jsapi_ticket_is_the_same_by_either_call(
    client: DingTalkClient, identity: SuiteIdentity, corp_id: str
):
    token = client.get_corp_token(identity, corp_id=corp_id).token

    old = client.get_jsapi_ticket(corp_access_token=token)
    new = client.create_jsapi_ticket(corp_access_token=token)

    assert old == new
    assert old.expires_in_seconds == 7200


@pytest.mark.parametrize("method", ["get_jsapi_ticket", "create_jsapi_ticket"])
def test_a_jsapi_ticket_is_refused_to_a_token_that_is_not_good(client: DingTalkClient, method: str):
    error = refusal(lambda: getattr(client, method)(corp_access_token="not-a-token"))

    assert type(error) is CredentialRejected
    assert error.action == Action.REFRESH_TOKEN


def test_an_app_of_a_company_itself_has_one_token_by_either_call(
    client: DingTalkClient, simulator: RunningSimulator, corp_id: str
):
    state = simulator.remote._call("GET", "/_sim/state")
    [company] = [each for each in state["companies"] if each["corp_id"] == corp_id]
    app = company["internal_apps"][0]
    credentials = {"app_key": app["app_key"], "app_secret": app["app_secret"]}

    old = client.get_internal_app_token(**credentials)
    new = client.get_internal_app_access_token(**credentials)

    assert old == new
    assert client.get_auth_scopes(corp_access_token=new.token)["dept_ids"] == [1]
    wrong = {**credentials, "app_secret": "wrong"}
    assert refusal(lambda: client.get_internal_app_token(**wrong)).code == "40096"
    assert refusal(lambda: client.get_internal_app_access_token(**wrong)).code == "invalidClientIdOrSecret"


# --- A platform that misbehaves ----------------------------------------------------------------

OLD, NEW = "/service/get_corp_token", "/v1.0/oauth2/corpAccessToken"
EITHER = pytest.mark.parametrize(
    ("endpoint", "method"), [(OLD, "get_corp_token"), (NEW, "get_corp_access_token")]
)


@EITHER
@pytest.mark.parametrize("kind", ["hang", "reset", "drop_answer", "http_500", "html"])
def test_no_usable_answer_is_a_transport_error_and_the_next_call_works(
    client: DingTalkClient,
    isv: Isv,
    identity: SuiteIdentity,
    corp_id: str,
    endpoint: str,
    method: str,
    kind: str,
):
    isv.remote.add_fault(endpoint=endpoint, kind=kind, seconds=0.05)

    with pytest.raises(TransportError) as caught:
        getattr(client, method)(identity, corp_id=corp_id)

    assert caught.value.retryable is True
    assert getattr(client, method)(identity, corp_id=corp_id).token


@EITHER
@pytest.mark.parametrize(("kind", "is_ban", "seconds"), [("rate_limit", False, 1), ("ip_ban", True, 300)])
def test_limits_and_bans_are_told_apart(
    client: DingTalkClient,
    isv: Isv,
    identity: SuiteIdentity,
    corp_id: str,
    endpoint: str,
    method: str,
    kind: str,
    is_ban: bool,
    seconds: int,
):
    isv.remote.add_fault(endpoint=endpoint, kind=kind)

    with pytest.raises(RateLimited) as caught:
        getattr(client, method)(identity, corp_id=corp_id)

    assert caught.value.ip_ban is is_ban
    assert caught.value.retry_after_seconds == seconds


def test_a_busy_platform_is_transient_and_not_asked_again_by_itself(
    client: DingTalkClient, isv: Isv, identity: SuiteIdentity, corp_id: str
):
    isv.remote.add_fault(endpoint=OLD, kind="errcode", code=-1)

    error = refusal(lambda: client.get_corp_token(identity, corp_id=corp_id))

    assert type(error) is Transient
    assert client.get_corp_token(identity, corp_id=corp_id).token
