"""Calls about the people of a company: one by id, and those of a department page by page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from dingtalk.client.answers import read_ids, read_numbers, read_object, read_objects
from dingtalk.client.call import Call, Request
from dingtalk.client.caller import Caller
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.protocol.fields import clean_text, read_bool, read_identifier, read_int

GET_USER = Call("/topapi/v2/user/get")
LIST_USERS = Call("/topapi/v2/user/list")
LIST_SIMPLE_USERS = Call("/topapi/user/listsimple")
LIST_USER_IDS = Call("/topapi/user/listid")

LARGEST_PAGE = 100
_ID_LENGTH = 64
_TEXT_LENGTH = 2_000


@dataclass(frozen=True)
class UserRole:
    """A role that somebody has, with the name of the group that the role is in."""

    role_id: int
    name: str
    group_name: str


@dataclass(frozen=True)
class User:
    """
    One person of a company. A truth value that DingTalk did not tell is None, a text empty.

    `led_dept_ids`: the departments that the person leads; in a list only the one that was asked about.
    ISV apps never get what follows `exclusive_account`; a company's own app may.
    """

    user_id: str
    union_id: str
    name: str = field(repr=False)
    avatar: str = field(default="", repr=False)
    title: str = ""
    job_number: str = ""
    manager_user_id: str = ""
    dept_ids: tuple[int, ...] = ()
    led_dept_ids: tuple[int, ...] = ()
    roles: tuple[UserRole, ...] = ()
    is_active: bool | None = None
    is_real_authed: bool | None = None
    is_senior: bool | None = None
    is_admin: bool | None = None
    is_boss: bool | None = None
    hides_mobile: bool | None = None
    exclusive_account: bool | None = None
    mobile: str = field(default="", repr=False)
    state_code: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    org_email: str = field(default="", repr=False)
    telephone: str = field(default="", repr=False)
    work_place: str = field(default="", repr=False)
    remark: str = field(default="", repr=False)
    extension: str = field(default="", repr=False)
    hired_at_ms: int | None = None


@dataclass(frozen=True)
class SimpleUser:
    """Somebody's id and name."""

    user_id: str
    name: str = field(repr=False)


@dataclass(frozen=True)
class UserPage:
    """Some members of a department; `next_cursor` asks for the next, None: these were the last."""

    users: tuple[User, ...]
    next_cursor: int | None


@dataclass(frozen=True)
class SimpleUserPage:
    """Some members of a department by id and name; `next_cursor` as in UserPage."""

    users: tuple[SimpleUser, ...]
    next_cursor: int | None


class UserCalls(Caller):
    """Each is made with the company's token, reads only, and does no harm when repeated."""

    def get_user(self, *, corp_access_token: str, user_id: str, language: str = "zh_CN") -> User:
        """
        Get one person. `language`: `zh_CN` or `en_US`. Range limited.

        Errors: 33012 and 60121 nobody has this id, 50002 outside the granted range, 400002.
        Source: query-user-details.
        """
        body = {"userid": user_id, "language": language}
        request = Request(GET_USER, query={"access_token": corp_access_token}, body=body)
        return self.ask(request, lambda members: read_user(read_object(members, "result")))

    def list_users(
        self,
        *,
        corp_access_token: str,
        dept_id: int,
        cursor: int = 0,
        size: int = LARGEST_PAGE,
        order: str = "custom",
        with_restricted: bool = False,
        language: str = "zh_CN",
    ) -> UserPage:
        """
        List people who are in this very department, not below it. At most 100 to a page. Range limited.

        `order`: `entry_asc`, `entry_desc`, `modify_asc`, `modify_desc`, `custom`. `with_restricted`: also
        those whom the company hides from others. Errors: 50004 and 60003 department, 40035, 400002, 60019.
        Source: queries-the-complete-information-of-a-department-user.
        """
        body = {
            "dept_id": dept_id,
            "cursor": cursor,
            "size": size,
            "order_field": order,
            "contain_access_limit": with_restricted,
            "language": language,
        }
        request = Request(LIST_USERS, query={"access_token": corp_access_token}, body=body)
        return self.ask(request, partial(_read_user_page, dept_id=dept_id, cursor=cursor))

    def list_simple_users(
        self,
        *,
        corp_access_token: str,
        dept_id: int,
        cursor: int = 0,
        size: int = LARGEST_PAGE,
        order: str = "custom",
        with_restricted: bool = False,
        language: str = "zh_CN",
    ) -> SimpleUserPage:
        """
        List people as `list_users` does, only their ids and names. At most 100 to a page. Range limited.

        Errors: 60003 department, 40068 and 40069 cursor or size, 400002.
        Source: queries-the-simple-information-of-a-department-user.
        """
        body = {
            "dept_id": dept_id,
            "cursor": cursor,
            "size": size,
            "order_field": order,
            "contain_access_limit": with_restricted,
            "language": language,
        }
        request = Request(LIST_SIMPLE_USERS, query={"access_token": corp_access_token}, body=body)
        return self.ask(request, partial(_read_simple_user_page, cursor=cursor))

    def list_user_ids(self, *, corp_access_token: str, dept_id: int) -> list[str]:
        """
        List the ids of all who are in this very department, at once. Not range limited.

        Errors: 60003 department, 400002. Source: query-the-list-of-department-userids.
        """
        request = Request(LIST_USER_IDS, query={"access_token": corp_access_token}, body={"dept_id": dept_id})
        return self.ask(request, lambda members: read_ids(read_object(members, "result"), "userid_list"))


def read_user_id(members: Mapping[str, Any]) -> str:
    """Read a userid; raises UnusableAnswer where there is none: without it nobody can be told apart."""
    user_id = read_identifier(members.get("userid"), _ID_LENGTH)
    if not user_id:
        raise UnusableAnswer("no userid in the answer")
    return user_id


def read_user(members: Mapping[str, Any], *, listed_in: int | None = None) -> User:
    """Read one person. `listed_in`: the department of a list, whose entries tell only of it who leads."""
    return User(
        user_id=read_user_id(members),
        union_id=read_identifier(members.get("unionid"), _ID_LENGTH) or "",
        manager_user_id=read_identifier(members.get("manager_userid"), _ID_LENGTH) or "",
        dept_ids=tuple(read_numbers(members, "dept_id_list")),
        led_dept_ids=_read_led_departments(members, listed_in),
        roles=tuple(_read_role(each) for each in read_objects(members, "role_list")),
        is_active=read_bool(members.get("active")),
        is_real_authed=read_bool(members.get("real_authed")),
        is_senior=read_bool(members.get("senior")),
        is_admin=read_bool(members.get("admin")),
        is_boss=read_bool(members.get("boss")),
        hides_mobile=read_bool(members.get("hide_mobile")),
        exclusive_account=read_bool(members.get("exclusive_account")),
        hired_at_ms=read_int(members.get("hired_date")),
        **{name: clean_text(members.get(name), _TEXT_LENGTH) for name in _TEXTS},
    )


# Members that are texts and have the same name here.
_TEXTS = (
    *("name", "avatar", "title", "job_number", "mobile", "state_code", "email", "org_email"),
    *("telephone", "work_place", "remark", "extension"),
)


def _read_led_departments(members: Mapping[str, Any], listed_in: int | None) -> tuple[int, ...]:
    if listed_in is not None and read_bool(members.get("leader")):
        return (listed_in,)
    led = [each for each in read_objects(members, "leader_in_dept") if read_bool(each.get("leader"))]
    dept_ids = (read_int(each.get("dept_id")) for each in led)
    return tuple(dept_id for dept_id in dept_ids if dept_id is not None)


def _read_role(members: Mapping[str, Any]) -> UserRole:
    role_id = read_int(members.get("id"))
    if role_id is None:
        raise UnusableAnswer("a role without an id in the answer")
    return UserRole(
        role_id=role_id,
        name=clean_text(members.get("name"), _TEXT_LENGTH),
        group_name=clean_text(members.get("group_name"), _TEXT_LENGTH),
    )


def _read_user_page(members: Mapping[str, Any], *, dept_id: int, cursor: int) -> UserPage:
    result = read_object(members, "result")
    users = tuple(read_user(each, listed_in=dept_id) for each in read_objects(result, "list"))
    return UserPage(users, _read_next_cursor(result, cursor=cursor))


def _read_simple_user_page(members: Mapping[str, Any], *, cursor: int) -> SimpleUserPage:
    result = read_object(members, "result")
    users = tuple(
        SimpleUser(read_user_id(each), clean_text(each.get("name"), _TEXT_LENGTH))
        for each in read_objects(result, "list")
    )
    return SimpleUserPage(users, _read_next_cursor(result, cursor=cursor))


def _read_next_cursor(result: Mapping[str, Any], *, cursor: int) -> int | None:
    """
    Read where the next page begins. Only `has_more` tells the end: the last page may have a cursor too.

    One that does not move on is no answer: who follows it would never end.
    """
    if not read_more(result, "has_more"):
        return None
    next_cursor = read_int(result.get("next_cursor"))
    if next_cursor is None or next_cursor <= cursor:
        raise UnusableAnswer("more pages, but no cursor to them")
    return next_cursor


def read_more(result: Mapping[str, Any], name: str) -> bool:
    """Read whether there are more pages; an answer that does not say it could lose people."""
    has_more = read_bool(result.get(name))
    if has_more is None:
        raise UnusableAnswer(f"no {name} in the answer")
    return has_more
