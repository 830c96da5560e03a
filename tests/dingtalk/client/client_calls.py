"""Every call of the client with secrets that can be recognised, and an answer that says yes to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dingtalk.client import DingTalkClient, SuiteIdentity
from dingtalk.client.callbacks import CallbackSettings
from dingtalk.client.discipline import Limits, new_gate
from dingtalk.client.messages import Receivers

OAPI, API = "https://oapi.dingtalk.com", "https://api.dingtalk.com"
SUITE_KEY, CORP_ID = "suitekey0001", "dingcorp0001"
SUITE_SECRET, TICKET = "canary-secret+/=", "canary-ticket+/="
SUITE_TOKEN, CORP_TOKEN = "canary-suite-token+/=", "canary-corp-token+/="
APP_KEY, APP_SECRET = "dingappkey0001", "canary-app-secret+/="
JSAPI_TICKET = "canary-jsapi-ticket+/="
STREAM_TICKET = "canary-stream-ticket+/="
TMP_CODE, PERMANENT_CODE = "canary-tmp-code", "canary-permanent-code"
LOGIN_CODE, USER_TOKEN, REFRESH_TOKEN = "canary-login-code", "canary-user-token", "canary-refresh-token"
SSO_SECRET, SSO_TOKEN = "canary-sso-secret+/=", "canary-sso-token+/="
CANARY = "canary"
CALLBACK_TOKEN, CALLBACK_KEY = "canarycallback01", "canary-callback-key"
CALLBACKS = CallbackSettings(
    tags=["user_add_org"],
    url="https://portal.example.com/callback/canary-slug/",
    token=CALLBACK_TOKEN,
    aes_key=CALLBACK_KEY,
)
IDENTITY = SuiteIdentity(suite_key=SUITE_KEY, suite_secret=SUITE_SECRET, suite_ticket=TICKET)
NOW = 1_790_000_000.123
NO_LIMITS = Limits(calls_per_second=0, calls_per_20_seconds=0, calls_per_second_per_api=0, breaker_failures=0)


@dataclass(frozen=True)
class Case:
    """
    One call: how it is made, to which URL, and a plain answer to it.

    `template`: the path as logs have it, where it has a name in it.
    """

    name: str
    make: Callable[[DingTalkClient], Any]
    answer: dict[str, Any]
    host: str = OAPI
    path: str = ""
    method: str = "POST"
    repeatable: bool = True
    template: str = ""

    @property
    def url(self) -> str:
        return self.host + self.path

    @property
    def endpoint(self) -> str:
        """The name of the call in logs and errors."""
        return self.template or self.path


CASES = [
    Case(
        "open_stream_connection",
        lambda client: client.open_stream_connection(suite_key=SUITE_KEY, suite_secret=SUITE_SECRET),
        {"endpoint": "wss://stream.example.com:443/connect", "ticket": STREAM_TICKET},
        host=API,
        path="/v1.0/gateway/connections/open",
    ),
    Case(
        "get_suite_access_token",
        lambda client: client.get_suite_access_token(IDENTITY),
        {"errcode": 0, "errmsg": "ok", "suite_access_token": SUITE_TOKEN, "expires_in": 7200},
        path="/service/get_suite_token",
    ),
    Case(
        "get_permanent_code",
        lambda client: client.get_permanent_code(suite_access_token=SUITE_TOKEN, tmp_auth_code=TMP_CODE),
        {
            "errcode": 0,
            "permanent_code": PERMANENT_CODE,
            "auth_corp_info": {"corpid": CORP_ID, "corp_name": "杭州云栖科技"},
        },
        path="/service/get_permanent_code",
        repeatable=False,
    ),
    Case(
        "get_auth_info",
        lambda client: client.get_auth_info(IDENTITY, corp_id=CORP_ID),
        {"errcode": 0, "auth_corp_info": {"corpid": CORP_ID, "corp_name": "杭州云栖科技"}},
        path="/service/get_auth_info",
    ),
    Case(
        "get_corp_token",
        lambda client: client.get_corp_token(IDENTITY, corp_id=CORP_ID),
        {"errcode": 0, "access_token": CORP_TOKEN, "expires_in": 7200},
        path="/service/get_corp_token",
    ),
    Case(
        "get_corp_access_token",
        lambda client: client.get_corp_access_token(IDENTITY, corp_id=CORP_ID),
        {"accessToken": CORP_TOKEN, "expireIn": 7200},
        host=API,
        path="/v1.0/oauth2/corpAccessToken",
    ),
    Case(
        "activate_suite",
        lambda client: client.activate_suite(
            suite_access_token=SUITE_TOKEN,
            suite_key=SUITE_KEY,
            corp_id=CORP_ID,
            permanent_code=PERMANENT_CODE,
        ),
        {"errcode": 0, "errmsg": "ok"},
        path="/service/activate_suite",
    ),
    Case(
        "get_unactive_corps",
        lambda client: client.get_unactive_corps(suite_access_token=SUITE_TOKEN, app_id=55),
        {"errcode": 0, "app_id": 55, "corp_list": [CORP_ID], "has_more": False},
        path="/service/get_unactive_corp",
    ),
    Case(
        "reauth_corp",
        lambda client: client.reauth_corp(suite_access_token=SUITE_TOKEN, app_id=55, corp_ids=[CORP_ID]),
        {"errcode": 0},
        path="/service/reauth_corp",
    ),
    Case(
        "set_corp_ip_whitelist",
        lambda client: client.set_corp_ip_whitelist(
            suite_access_token=SUITE_TOKEN, corp_id=CORP_ID, addresses=["203.0.113.7", "198.51.100.*"]
        ),
        {"errcode": 0},
        path="/service/set_corp_ipwhitelist",
    ),
    Case(
        "get_auth_scopes",
        lambda client: client.get_auth_scopes(corp_access_token=CORP_TOKEN),
        {
            "errcode": 0,
            "auth_org_scopes": {"authed_user": ["u1"], "authed_dept": [1]},
            "auth_user_field": ["name"],
        },
        path="/auth/scopes",
        method="GET",
    ),
    Case(
        "create_suite_access_token",
        lambda client: client.create_suite_access_token(IDENTITY),
        {"accessToken": SUITE_TOKEN, "expireIn": 7200},
        host=API,
        path="/v1.0/oauth2/suiteAccessToken",
    ),
    Case(
        "get_unified_token",
        lambda client: client.get_unified_token(
            client_id=SUITE_KEY, client_secret=SUITE_SECRET, corp_id=CORP_ID
        ),
        {"access_token": CORP_TOKEN, "expires_in": 7200},
        host=API,
        path=f"/v1.0/oauth2/{CORP_ID}/token",
        template="/v1.0/oauth2/{corpId}/token",
    ),
    Case(
        "get_app_auth_info",
        lambda client: client.get_app_auth_info(suite_access_token=SUITE_TOKEN, corp_id=CORP_ID),
        {
            "authAppInfo": {
                "agentList": [{"agentId": 1, "agentName": "考勤", "appId": "5", "adminList": ["m"]}]
            },
            "authCorpInfo": {"corpName": "杭州云栖科技", "industry": "软件", "authLevel": 0},
            "authUserInfo": {"userId": "m"},
        },
        host=API,
        path="/v1.0/oauth2/apps/authInfo",
        method="GET",
    ),
    Case(
        "get_agent",
        lambda client: client.get_agent(
            IDENTITY, suite_access_token=SUITE_TOKEN, corp_id=CORP_ID, agent_id=1001
        ),
        {"errcode": 0, "agentid": 1001, "name": "考勤", "logo_url": "", "description": "d", "close": 1},
        path="/service/get_agent",
    ),
    Case(
        "get_jsapi_ticket",
        lambda client: client.get_jsapi_ticket(corp_access_token=CORP_TOKEN),
        {"errcode": 0, "errmsg": "ok", "ticket": JSAPI_TICKET, "expires_in": 7200},
        path="/get_jsapi_ticket",
        method="GET",
    ),
    Case(
        "create_jsapi_ticket",
        lambda client: client.create_jsapi_ticket(corp_access_token=CORP_TOKEN),
        {"jsapiTicket": JSAPI_TICKET, "expireIn": 7200},
        host=API,
        path="/v1.0/oauth2/jsapiTickets",
    ),
    Case(
        "get_internal_app_token",
        lambda client: client.get_internal_app_token(app_key=APP_KEY, app_secret=APP_SECRET),
        {"errcode": 0, "access_token": CORP_TOKEN, "expires_in": 7200},
        path="/gettoken",
        method="GET",
    ),
    Case(
        "get_internal_app_access_token",
        lambda client: client.get_internal_app_access_token(app_key=APP_KEY, app_secret=APP_SECRET),
        {"accessToken": CORP_TOKEN, "expireIn": 7200},
        host=API,
        path="/v1.0/oauth2/accessToken",
    ),
    Case(
        "get_login_user",
        lambda client: client.get_login_user(corp_access_token=CORP_TOKEN, code=LOGIN_CODE),
        {"errcode": 0, "result": {"userid": "u1", "unionid": "un1", "sys": "true", "sys_level": 1}},
        path="/topapi/v2/user/getuserinfo",
        repeatable=False,
    ),
    Case(
        "get_user_access_token",
        lambda client: client.get_user_access_token(
            client_id=SUITE_KEY, client_secret=SUITE_SECRET, code=LOGIN_CODE
        ),
        {"accessToken": USER_TOKEN, "refreshToken": REFRESH_TOKEN, "expireIn": 7200, "corpId": CORP_ID},
        host=API,
        path="/v1.0/oauth2/userAccessToken",
        repeatable=False,
    ),
    Case(
        "refresh_user_access_token",
        lambda client: client.refresh_user_access_token(
            client_id=SUITE_KEY, client_secret=SUITE_SECRET, refresh_token=REFRESH_TOKEN
        ),
        {"accessToken": USER_TOKEN, "refreshToken": REFRESH_TOKEN, "expireIn": 7200},
        host=API,
        path="/v1.0/oauth2/userAccessToken",
        repeatable=False,
    ),
    Case(
        "get_current_user",
        lambda client: client.get_current_user(user_access_token=USER_TOKEN),
        {"nick": "张三", "unionId": "un1", "openId": "open1"},
        host=API,
        path="/v1.0/contact/users/me",
        method="GET",
    ),
    Case(
        "get_sso_token",
        lambda client: client.get_sso_token(corp_id=CORP_ID, sso_secret=SSO_SECRET),
        {"errcode": 0, "access_token": SSO_TOKEN},
        path="/sso/gettoken",
        method="GET",
    ),
    Case(
        "get_sso_user",
        lambda client: client.get_sso_user(sso_token=SSO_TOKEN, code=LOGIN_CODE),
        {
            "errcode": 0,
            "user_info": {"userid": "u1", "name": "张伟"},
            "corp_info": {"corpid": CORP_ID, "corp_name": "杭州云栖科技"},
            "is_sys": True,
        },
        path="/sso/getuserinfo",
        method="GET",
        repeatable=False,
    ),
    Case(
        "get_sso_access_token",
        lambda client: client.get_sso_access_token(corp_id=CORP_ID, sso_secret=SSO_SECRET),
        {"accessToken": SSO_TOKEN, "expireIn": 3600},
        host=API,
        path="/v1.0/oauth2/ssoAccessToken",
    ),
    Case(
        "get_sso_user_info",
        lambda client: client.get_sso_user_info(sso_access_token=SSO_TOKEN, code=LOGIN_CODE),
        {"corpId": CORP_ID, "corpName": "杭州云栖科技", "userId": "u1", "userName": "张伟", "isAdmin": True},
        host=API,
        path="/v1.0/oauth2/ssoUserInfo",
        method="GET",
        repeatable=False,
    ),
    Case(
        "send_notification",
        lambda client: client.send_notification(
            corp_access_token=CORP_TOKEN,
            agent_id=1001,
            receivers=Receivers(user_ids=["zhangsan", "lisi"], dept_ids=[2]),
            message={"msgtype": "text", "text": {"content": "你好"}},
        ),
        {"errcode": 0, "task_id": 256271667526, "request_id": "4shd8s6yyx8b"},
        path="/topapi/message/corpconversation/asyncsend_v2",
        repeatable=False,
    ),
    Case(
        "send_template_notification",
        lambda client: client.send_template_notification(
            corp_access_token=CORP_TOKEN,
            agent_id=1001,
            receivers=Receivers(user_ids=["zhangsan"]),
            template_id="template0001",
            data={"name": "张三"},
        ),
        {"errcode": 0, "task_id": 256271667526},
        path="/topapi/message/corpconversation/sendbytemplate",
        repeatable=False,
    ),
    Case(
        "get_send_progress",
        lambda client: client.get_send_progress(corp_access_token=CORP_TOKEN, agent_id=1001, task_id=5),
        {"errcode": 0, "progress": {"progress_in_percent": 100, "status": 2}},
        path="/topapi/message/corpconversation/getsendprogress",
    ),
    Case(
        "get_send_result",
        lambda client: client.get_send_result(corp_access_token=CORP_TOKEN, agent_id=1001, task_id=5),
        {"errcode": 0, "send_result": {"unread_user_id_list": ["zhangsan"]}},
        path="/topapi/message/corpconversation/getsendresult",
    ),
    Case(
        "recall_notification",
        lambda client: client.recall_notification(corp_access_token=CORP_TOKEN, agent_id=1001, task_id=5),
        {"errcode": 0},
        path="/topapi/message/corpconversation/recall",
    ),
    Case(
        "update_status_bar",
        lambda client: client.update_status_bar(
            corp_access_token=CORP_TOKEN,
            agent_id=1001,
            task_id=5,
            status_value="已批准",
            status_bg="0xFF00AA66",
        ),
        {"errcode": 0},
        path="/topapi/message/corpconversation/status_bar/update",
    ),
    Case(
        "register_call_back",
        lambda client: client.register_call_back(CALLBACKS, corp_access_token=CORP_TOKEN),
        {"errcode": 0, "errmsg": "ok"},
        path="/call_back/register_call_back",
    ),
    Case(
        "get_call_back",
        lambda client: client.get_call_back(corp_access_token=CORP_TOKEN),
        {
            "errcode": 0,
            "call_back_tag": ["user_add_org"],
            "url": "https://portal.example.com/",
            "token": CALLBACK_TOKEN,
            "aes_key": CALLBACK_KEY,
        },
        path="/call_back/get_call_back",
        method="GET",
    ),
    Case(
        "get_call_back_failed_result",
        lambda client: client.get_call_back_failed_result(corp_access_token=CORP_TOKEN),
        {"errcode": 0, "failed_list": [], "has_more": False},
        path="/call_back/get_call_back_failed_result",
        method="GET",
        repeatable=False,
    ),
    Case(
        "get_user",
        lambda client: client.get_user(corp_access_token=CORP_TOKEN, user_id="canary-user"),
        {"errcode": 0, "result": {"userid": "u1", "name": "张三"}},
        path="/topapi/v2/user/get",
    ),
    Case(
        "get_user_id_by_mobile",
        lambda client: client.get_user_id_by_mobile(corp_access_token=CORP_TOKEN, mobile="canary-13900001"),
        {"errcode": 0, "result": {"userid": "u1"}},
        path="/topapi/v2/user/getbymobile",
    ),
    Case(
        "list_sub_departments",
        lambda client: client.list_sub_departments(corp_access_token=CORP_TOKEN),
        {"errcode": 0, "result": []},
        path="/topapi/v2/department/listsub",
    ),
    Case(
        "get_order",
        lambda client: client.get_order(suite_access_token=SUITE_TOKEN, order_id="2100001"),
        {"bizOrderId": 2_100_001, "corpId": CORP_ID, "status": "3", "totalActualPayFee": 19_900},
        host=API,
        path="/v1.0/appMarket/orders/2100001",
        method="GET",
        template="/v1.0/appMarket/orders/{orderId}",
    ),
    Case(
        "get_sku_page",
        lambda client: client.get_sku_page(corp_access_token=CORP_TOKEN, goods_code="FW_GOODS-1"),
        {"errcode": 0, "result": "https://h5.dingtalk.com/appstore?goods=1"},
        path="/topapi/appstore/internal/skupage/get",
    ),
    Case(
        "get_internal_order",
        lambda client: client.get_internal_order(corp_access_token=CORP_TOKEN, order_id="2100001"),
        {"errcode": 0, "result": {"biz_order_id": "2100001", "corp_id": CORP_ID, "status": 3}},
        path="/topapi/appstore/internal/order/get",
    ),
    Case(
        "finish_internal_order",
        lambda client: client.finish_internal_order(corp_access_token=CORP_TOKEN, order_id="2100001"),
        {"errcode": 0},
        path="/topapi/appstore/internal/order/finish",
    ),
    Case(
        "consume_internal_order",
        lambda client: client.consume_internal_order(
            corp_access_token=CORP_TOKEN, order_id="2100001", request_id="r1", quantity=2, user_id="u1"
        ),
        {"errcode": 0},
        path="/topapi/appstore/internal/order/consume",
    ),
    Case(
        "list_unfinished_orders",
        lambda client: client.list_unfinished_orders(suite_access_token=SUITE_TOKEN),
        {"errcode": 0, "result": {"total": "1", "items": {"biz_order_id": 2_100_001}}},
        path="/topapi/appstore/internal/unfinishedorder/list",
    ),
    Case(
        "translate_files",
        lambda client: client.translate_files(
            corp_access_token=CORP_TOKEN, files={"@media1": "people.xlsx"}, union_id="un1"
        ),
        {"jobId": "job1"},
        host=API,
        path="/v1.0/contact/files/translate",
    ),
    Case(
        "get_translation",
        lambda client: client.get_translation(corp_access_token=CORP_TOKEN, job_id="job1"),
        {"status": "1", "url": "https://space.dingtalk.com/file"},
        host=API,
        path="/v1.0/contact/files/translateResults",
        method="GET",
    ),
]
CASE = {case.name: case for case in CASES}
OLD_CASES = [case for case in CASES if case.host == OAPI]


def make_client(
    base_url: str = "", *, read_timeout_seconds: float = 5.0, clock: Callable[[], float] = lambda: NOW
) -> DingTalkClient:
    """A client of the real hosts, or of one server that plays both; it may call as often as it likes."""
    return DingTalkClient(
        oapi_base_url=base_url or OAPI,
        api_base_url=base_url or API,
        connect_timeout_seconds=1.0,
        read_timeout_seconds=read_timeout_seconds,
        clock=clock,
        gate=new_gate(limits=NO_LIMITS),
    )
