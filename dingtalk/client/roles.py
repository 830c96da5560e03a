"""Calls about the roles of a company, which stand in groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from dingtalk.client.answers import read_object, read_objects
from dingtalk.client.call import Call, Request
from dingtalk.client.caller import Caller
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.client.users import read_more, read_user_id
from dingtalk.protocol.fields import clean_text, read_int

LIST_ROLES = Call("/topapi/role/list")
GET_ROLE = Call("/topapi/role/getrole")
LIST_ROLE_USERS = Call("/topapi/role/simplelist")

LARGEST_ROLE_PAGE = 200
LARGEST_ROLE_USER_PAGE = 100
_TEXT_LENGTH = 2_000


@dataclass(frozen=True)
class Role:
    """A role with the group that it is in; a list of roles also tells the name of the group."""

    role_id: int
    name: str
    group_id: int | None
    group_name: str = ""


@dataclass(frozen=True)
class RolePage:
    """Some roles; `next_offset` asks for the next, None: these were the last."""

    roles: tuple[Role, ...]
    next_offset: int | None


@dataclass(frozen=True)
class ManagedDepartment:
    """A department in which somebody has a role."""

    dept_id: int
    name: str = field(repr=False)


@dataclass(frozen=True)
class RoleUser:
    """Somebody with a role. `managed`: the departments that it is limited to; empty: not limited."""

    user_id: str
    name: str = field(repr=False)
    managed: tuple[ManagedDepartment, ...] = ()


@dataclass(frozen=True)
class RoleUserPage:
    """Some people with a role; `next_offset` as in RolePage."""

    users: tuple[RoleUser, ...]
    next_offset: int | None


class RoleCalls(Caller):
    """Each is made with the company's token, reads only, and does no harm when repeated."""

    def list_roles(
        self, *, corp_access_token: str, offset: int = 0, size: int = LARGEST_ROLE_PAGE
    ) -> RolePage:
        """
        List the roles of all groups, at most 200 to a page.

        Errors: 40068 and 40069 offset or size, 400001, 400043.
        Source: obtains-a-list-of-enterprise-roles.
        """
        request = Request(
            LIST_ROLES, query={"access_token": corp_access_token}, body={"size": size, "offset": offset}
        )
        return self.ask(request, partial(_read_role_page, next_offset=offset + size))

    def get_role(self, *, corp_access_token: str, role_id: int) -> Role:
        """Get one role. Errors: 33011 no such role, 43007, 400001. Source: queries-role-details."""
        request = Request(GET_ROLE, query={"access_token": corp_access_token}, body={"roleId": role_id})
        return self.ask(request, partial(_read_role, role_id=role_id))

    def list_role_users(
        self,
        *,
        corp_access_token: str,
        role_id: int,
        offset: int = 0,
        size: int = LARGEST_ROLE_USER_PAGE,
    ) -> RoleUserPage:
        """
        List the people who have a role, at most 100 to a page.

        Errors: 33011 no such role, 40068 and 40069 offset or size, 400001.
        Source: obtain-the-list-of-employees-of-a-role.
        """
        request = Request(
            LIST_ROLE_USERS,
            query={"access_token": corp_access_token},
            body={"role_id": role_id, "size": size, "offset": offset},
        )
        return self.ask(request, partial(_read_role_user_page, next_offset=offset + size))


def _read_role_page(members: Mapping[str, Any], *, next_offset: int) -> RolePage:
    result = read_object(members, "result")
    roles = [
        _listed_role(role, group=group)
        for group in read_objects(result, "list")
        for role in read_objects(group, "roles")
    ]
    return RolePage(tuple(roles), next_offset if read_more(result, "hasMore") else None)


def _listed_role(members: Mapping[str, Any], *, group: Mapping[str, Any]) -> Role:
    role_id = read_int(members.get("id"))
    if role_id is None:
        raise UnusableAnswer("a role without an id in the answer")
    return Role(
        role_id=role_id,
        name=clean_text(members.get("name"), _TEXT_LENGTH),
        group_id=read_int(group.get("groupId")),
        group_name=clean_text(group.get("name"), _TEXT_LENGTH),
    )


def _read_role(members: Mapping[str, Any], *, role_id: int) -> Role:
    role = read_object(members, "role")
    return Role(role_id, clean_text(role.get("name"), _TEXT_LENGTH), read_int(role.get("groupId")))


def _read_role_user_page(members: Mapping[str, Any], *, next_offset: int) -> RoleUserPage:
    result = read_object(members, "result")
    users = [
        RoleUser(
            user_id=read_user_id(each),
            name=clean_text(each.get("name"), _TEXT_LENGTH),
            managed=tuple(_managed(scope) for scope in read_objects(each, "manageScopes")),
        )
        for each in read_objects(result, "list")
    ]
    return RoleUserPage(tuple(users), next_offset if read_more(result, "hasMore") else None)


def _managed(members: Mapping[str, Any]) -> ManagedDepartment:
    dept_id = read_int(members.get("dept_id"))
    if dept_id is None:
        raise UnusableAnswer("a department without an id in the answer")
    return ManagedDepartment(dept_id, clean_text(members.get("name"), _TEXT_LENGTH))
