"""DingTalk's official client for Python (`alibabacloud-dingtalk`) drives the simulator, unchanged."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from alibabacloud_dingtalk.contact_1_0 import models as contact_models
from alibabacloud_dingtalk.contact_1_0.client import Client as ContactClient
from alibabacloud_dingtalk.oauth2_1_0 import models
from alibabacloud_dingtalk.oauth2_1_0.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions
from Tea.exceptions import TeaException

from dingtalk.simulator.server import RunningSimulator

CORP_ID = "dingcorp00000001"
SUITE_KEY = "suiteofficial01"
SEED: dict[str, Any] = {
    "suites": [{"suite_id": "880001", "suite_key": SUITE_KEY, "name": "考勤助手", "push_mode": "sync_http"}],
    "companies": [{"corp_id": CORP_ID, "name": "杭州云栖科技有限公司"}],
}


@pytest.fixture(scope="module")
def platform() -> Iterator[RunningSimulator]:
    """A platform on which one company has authorised the suite."""
    with RunningSimulator(seed=SEED) as simulator:
        simulator.remote.act(SUITE_KEY, CORP_ID, "authorize", silent=True, wait=False)
        yield simulator


@pytest.fixture(scope="module")
def suite(platform: RunningSimulator) -> dict[str, Any]:
    """What the suite's console shows."""
    known: dict[str, Any] = platform.remote.suite(SUITE_KEY)
    return known


def config_of(platform: RunningSimulator) -> Config:
    return Config(protocol="http", region_id="central", endpoint=urlsplit(platform.base_url).netloc)


@pytest.fixture(scope="module")
def oauth(platform: RunningSimulator) -> Client:
    """The client of everything about tokens."""
    return Client(config_of(platform))


@pytest.fixture(scope="module")
def corp_token(oauth: Client, suite: dict[str, Any]) -> str:
    """A token of the company."""
    return str(oauth.get_corp_access_token(corp_request(suite)).body.access_token)


def corp_request(suite: dict[str, Any], **changes: str) -> models.GetCorpAccessTokenRequest:
    values = {
        "suite_key": SUITE_KEY,
        "suite_secret": suite["suite_secret"],
        "suite_ticket": suite["suite_ticket"],
        "auth_corp_id": CORP_ID,
    }
    return models.GetCorpAccessTokenRequest(**{**values, **changes})


def test_a_company_token_is_issued_for_two_hours(oauth: Client, suite: dict[str, Any]) -> None:
    body = oauth.get_corp_access_token(corp_request(suite)).body

    assert body.access_token
    assert body.expire_in == 7200


def test_the_unified_call_needs_no_ticket(oauth: Client, suite: dict[str, Any]) -> None:
    request = models.GetTokenRequest(
        client_id=SUITE_KEY, client_secret=suite["suite_secret"], grant_type="client_credentials"
    )

    assert oauth.get_token(CORP_ID, request).body.access_token


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"suite_ticket": "outdated"}, "invalidSuiteTicket"),
        ({"auth_corp_id": "dingnobody"}, "invalidAuthInfo"),
        ({"suite_key": "suitenobody"}, "invalidSuiteKey"),
    ],
)
def test_a_refusal_reaches_the_client_with_code_and_request_id(
    oauth: Client, suite: dict[str, Any], changes: dict[str, str], code: str
) -> None:
    with pytest.raises(TeaException) as refusal:
        oauth.get_corp_access_token(corp_request(suite, **changes))

    assert refusal.value.code == code
    assert refusal.value.data["requestid"]


def test_the_suites_own_token_tells_what_a_company_has_granted(oauth: Client, suite: dict[str, Any]) -> None:
    request = models.GetSuiteAccessTokenRequest(
        suite_key=SUITE_KEY, suite_secret=suite["suite_secret"], suite_ticket=suite["suite_ticket"]
    )
    suite_token = oauth.get_suite_access_token(request).body.access_token

    body = oauth.get_auth_info_with_options(
        models.GetAuthInfoRequest(auth_corp_id=CORP_ID),
        models.GetAuthInfoHeaders(x_acs_dingtalk_access_token=suite_token),
        RuntimeOptions(),
    ).body

    assert body.auth_corp_info.corp_name == "杭州云栖科技有限公司"
    assert body.auth_app_info.agent_list[0].agent_id


def test_the_same_jsapi_ticket_is_prolonged(oauth: Client, corp_token: str) -> None:
    def ticket() -> str:
        headers = models.CreateJsapiTicketHeaders(x_acs_dingtalk_access_token=corp_token)
        return str(oauth.create_jsapi_ticket_with_options(headers, RuntimeOptions()).body.jsapi_ticket)

    assert ticket() == ticket()


def test_a_person_logs_in_and_tells_who_it_is(
    platform: RunningSimulator, oauth: Client, suite: dict[str, Any]
) -> None:
    person = administrator(platform)
    code = platform.remote.login_code(SUITE_KEY, CORP_ID, person["userid"], kind="web", scope="openid corpid")
    request = models.GetUserTokenRequest(
        client_id=SUITE_KEY, client_secret=suite["suite_secret"], code=code, grant_type="authorization_code"
    )

    issued = oauth.get_user_token(request).body
    told = (
        ContactClient(config_of(platform))
        .get_user_with_options(
            "me",
            contact_models.GetUserHeaders(x_acs_dingtalk_access_token=issued.access_token),
            RuntimeOptions(),
        )
        .body
    )

    assert issued.corp_id == CORP_ID
    assert told.union_id == person["unionid"]
    with pytest.raises(TeaException) as refusal:
        oauth.get_user_token(request)
    assert refusal.value.code == "invalidParameter.authCode.notFound"


def test_an_administrator_comes_from_the_console(
    platform: RunningSimulator, oauth: Client, suite: dict[str, Any]
) -> None:
    person = administrator(platform)
    request = models.GetSsoAccessTokenRequest(corpid=suite["isv_corp_id"], sso_secret=suite["sso_secret"])
    token = oauth.get_sso_access_token(request).body.access_token

    body = oauth.get_sso_user_info_with_options(
        models.GetSsoUserInfoRequest(
            code=platform.remote.login_code(SUITE_KEY, CORP_ID, person["userid"], kind="sso")
        ),
        models.GetSsoUserInfoHeaders(x_acs_dingtalk_access_token=token),
        RuntimeOptions(),
    ).body

    assert (body.corp_id, body.user_id, body.is_admin) == (CORP_ID, person["userid"], True)


def test_a_call_without_a_token_and_with_a_wrong_one_are_told_apart(oauth: Client) -> None:
    def code_with(token: str | None) -> str:
        headers = models.CreateJsapiTicketHeaders(x_acs_dingtalk_access_token=token)
        with pytest.raises(TeaException) as refusal:
            oauth.create_jsapi_ticket_with_options(headers, RuntimeOptions())
        return str(refusal.value.code)

    assert code_with("wrong") == "InvalidAuthentication"
    assert code_with(None) == "AuthenticationFailed.MissingParameter"


def administrator(platform: RunningSimulator) -> dict[str, Any]:
    [company] = platform.remote.state()["companies"]
    return next(person for person in company["users"] if person["userid"] == company["admin_userid"])
