"""Examples of the login endpoints for the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_SUITE_KEY, _CORP_ID = "suiteabcdefgh", "ding0123456789"
_STATE = "q1Zf0c…"


def _sent(name: str, value: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def _answered(name: str, value: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=["200"])


CODE = _sent("A code", {"code": "f1d2b6c0…"})
CODE_AND_STATE = _sent("What came back", {"code": "9a8f7e…", "state": _STATE})
SESSION = _sent("A session", {"session": "019ac5d1-7c1e-7b2a-9c70-2f4b1d3e5a60"})
CHOICE = _sent("Any company of the person", {"redirect_uri": "https://app.example.com/login/done"})
LOGIN_ADDRESS = _answered(
    "An address",
    {
        "url": "https://login.dingtalk.com/oauth2/auth?redirect_uri=https%3A%2F%2Fapp.example.com%2Flogin%2Fdone"
        "&response_type=code&client_id=suiteabcdefgh&scope=openid%20corpid&prompt=consent&state=q1Zf0c…",
        "state": _STATE,
        "expires_at": "2026-11-20T03:10:00Z",
    },
)
IN_APP_LOGIN = _answered(
    "A member",
    {
        "suite_key": _SUITE_KEY,
        "corp_id": _CORP_ID,
        "person": {
            "user_id": "zhangsan",
            "union_id": "z21HjQliSzpw0Yxxxx",
            "name": "张三",
            "is_admin": False,
            "sys_level": 0,
            "device_id": "12a34b56c78d",
        },
    },
)
LOGIN = _answered(
    "A member",
    {
        "suite_key": _SUITE_KEY,
        "corp_id": _CORP_ID,
        "session": "019ac5d1-7c1e-7b2a-9c70-2f4b1d3e5a60",
        "person": {
            "union_id": "z21HjQliSzpw0Yxxxx",
            "open_id": "123456789",
            "nick": "张三",
            "avatar_url": "https://static.example.com/zhangsan.png",
            "user_id": "zhangsan",
        },
    },
)
SSO_LOGIN = _answered(
    "An administrator",
    {
        "suite_key": _SUITE_KEY,
        "corp_id": _CORP_ID,
        "corp_name": "杭州云栖科技有限公司",
        "person": {
            "user_id": "manager01",
            "name": "张伟",
            "email": "",
            "avatar_url": "",
            "is_admin": True,
        },
    },
)
