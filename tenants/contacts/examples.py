"""What the OpenAPI document shows of the address book, by example."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

USER_ID = OpenApiParameter("user_id", str, OpenApiParameter.PATH, description="The person's userid.")
UNION_ID = OpenApiParameter("union_id", str, OpenApiParameter.PATH, description="The person's union id.")
DEPT_ID = OpenApiParameter(
    "dept_id", str, OpenApiParameter.PATH, description="The department's id, a number; 1 is the root."
)
ROLE_ID = OpenApiParameter("role_id", str, OpenApiParameter.PATH, description="The role's id, a number.")

_USER: dict[str, Any] = {
    "user_id": "zhangsan",
    "union_id": "iiSxxxxxxxxxiE",
    "name": "张三",
    "avatar": "https://static.example.com/avatar.jpg",
    "title": "工程师",
    "job_number": "A-17",
    "manager_user_id": "manager01",
    "dept_ids": [2, 4],
    "led_dept_ids": [4],
    "roles": [{"role_id": 101, "name": "主管", "group_name": "默认"}],
    "is_active": True,
    "is_real_authed": True,
    "is_senior": False,
    "is_admin": False,
    "is_boss": False,
    "hides_mobile": False,
    "exclusive_account": False,
}
_DEPARTMENT = {"dept_id": 2, "name": "研发部", "parent_id": 1, "creates_group": True, "adds_users": True}


def _answer(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=["200"])


MOBILE = OpenApiExample("A number", value={"mobile": "13800000000"}, request_only=True)
USER = _answer("A person", _USER)
USERS = _answer("A page of people", {"results": [{**_USER, "roles": []}], "next_cursor": "50"})
DEPARTMENTS = _answer("Departments", {"results": [_DEPARTMENT], "next_cursor": None})
DEPARTMENT = _answer(
    "A department",
    {
        **_DEPARTMENT,
        "order": 2,
        "code": "",
        "manager_user_ids": ["zhangsan"],
        "owner_user_id": "manager01",
        "group_chat_id": "",
        "is_hidden": False,
        "is_outer": False,
        "member_count": 37,
    },
)
ROLES = _answer(
    "Roles",
    {
        "results": [{"role_id": 101, "name": "主管", "group_id": 100, "group_name": "默认"}],
        "next_cursor": None,
    },
)
ROLE_USERS = _answer(
    "People who have a role",
    {
        "results": [{"user_id": "zhangsan", "name": "张三", "managed": [{"dept_id": 2, "name": "研发部"}]}],
        "next_cursor": None,
    },
)
