"""Roles as an app sees them, and who has one."""

from typing import Any

from dingtalk.simulator.answers import OldFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.contacts import caller, number_within
from dingtalk.simulator.world import Company, Role

Result = dict[str, Any]

_DEFAULT_SIZE = 20
_LARGEST_ROLE_PAGE = 200
_LARGEST_USER_PAGE = 100
_BAD_OFFSET, _BAD_SIZE = 40068, 40069


def list_roles(call: Call) -> Result:
    """Roles by group, page by page (`obtains-a-list-of-enterprise-roles`)."""
    _grant, company = caller(call)
    offset, size = _page_of(call, most=_LARGEST_ROLE_PAGE)
    roles = list(company.roles.values())
    groups: dict[int, Result] = {}
    for role in roles[offset : offset + size]:
        group = groups.setdefault(
            role.group_id, {"groupId": role.group_id, "name": role.group_name, "roles": []}
        )
        group["roles"].append({"id": role.role_id, "name": role.name})
    return {"result": {"hasMore": offset + size < len(roles), "list": list(groups.values())}}


def get_role(call: Call) -> Result:
    """One role, flat; its parameter is in camel case (`queries-role-details`)."""
    _grant, company = caller(call)
    role = _role(company, call.parameters.whole("roleId"))
    return {"role": {"name": role.name, "groupId": role.group_id}}


def list_role_users(call: Call) -> Result:
    """Who has a role; its parameter is in snake case (`obtain-the-list-of-employees-of-a-role`)."""
    _grant, company = caller(call)
    role = _role(company, call.parameters.whole("role_id"))
    offset, size = _page_of(call, most=_LARGEST_USER_PAGE)
    people = [person for person in company.people.values() if role.role_id in person.role_ids]
    shown = [
        {
            "userid": person.userid,
            "name": person.name,
            "manageScopes": [
                {"dept_id": dept_id, "name": company.departments[dept_id].name}
                for dept_id in person.led_dept_ids
            ],
        }
        for person in people[offset : offset + size]
    ]
    return {"result": {"hasMore": offset + size < len(people), "list": shown}}


def _role(company: Company, role_id: int | None) -> Role:
    if role_id is None or role_id not in company.roles:
        raise OldFamilyError(33011, "角色不存在")
    return company.roles[role_id]


def _page_of(call: Call, *, most: int) -> tuple[int, int]:
    """Offset and size, which count only together."""
    if not (call.parameters.text("offset") and call.parameters.text("size")):
        return 0, _DEFAULT_SIZE
    offset = number_within(call, "offset", default=None, most=2**31, error=_BAD_OFFSET)
    size = number_within(call, "size", default=None, most=most, error=_BAD_SIZE)
    if not size:
        raise OldFamilyError(_BAD_SIZE, "不合法的size")
    return offset, size
