"""
Calls about the departments of a company.

Department 1 is the root; -7, the contacts of a school, answers 40009.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dingtalk.client.answers import read_ids, read_numbers, read_object, read_objects
from dingtalk.client.call import Call, Request
from dingtalk.client.caller import Caller
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.protocol.fields import clean_text, read_bool, read_int

LIST_SUB_DEPARTMENTS = Call("/topapi/v2/department/listsub")
LIST_SUB_DEPARTMENT_IDS = Call("/topapi/v2/department/listsubid")
GET_DEPARTMENT = Call("/topapi/v2/department/get")
LIST_PARENTS_OF_DEPARTMENT = Call("/topapi/v2/department/listparentbydept")
LIST_PARENTS_OF_USER = Call("/topapi/v2/department/listparentbyuser")

ROOT_DEPARTMENT = 1
_TEXT_LENGTH = 2_000


@dataclass(frozen=True)
class Department:
    """A department as lists have it. The root has no parent; None: DingTalk did not say."""

    dept_id: int
    name: str = field(repr=False)
    parent_id: int | None = None
    creates_group: bool | None = None
    adds_users: bool | None = None


@dataclass(frozen=True)
class DepartmentDetail(Department):
    """A department by itself. `member_count`: with those of departments below it, where DingTalk counts."""

    order: int | None = None
    code: str = ""
    approves_applications: bool | None = None
    group_contains_sub_departments: bool | None = None
    group_chat_id: str = ""
    owner_user_id: str = ""
    manager_user_ids: tuple[str, ...] = ()
    is_hidden: bool | None = None
    is_outer: bool | None = None
    outer_dept_ids: tuple[int, ...] = ()
    outer_user_ids: tuple[str, ...] = ()
    permitted_dept_ids: tuple[int, ...] = ()
    permitted_user_ids: tuple[str, ...] = ()
    member_count: int | None = None
    owning_member_count: int | None = None


class DepartmentCalls(Caller):
    """Each is made with the company's token, reads only, and does no harm when repeated."""

    def list_sub_departments(
        self, *, corp_access_token: str, dept_id: int = ROOT_DEPARTMENT, language: str = "zh_CN"
    ) -> list[Department]:
        """
        List the direct children of a department, at once. Range limited.

        Errors: 60003 no such department, 50004 outside the granted range (also the root, unless it is
        granted itself), 400002. Source: user-management-acquires-the-list-departments.
        """
        request = Request(
            LIST_SUB_DEPARTMENTS,
            query={"access_token": corp_access_token},
            body={"dept_id": dept_id, "language": language},
        )
        return self.ask(request, _read_departments)

    def list_sub_department_ids(self, *, corp_access_token: str, dept_id: int = ROOT_DEPARTMENT) -> list[int]:
        """
        List the ids of the direct children of a department, at once. Not range limited.

        Errors: 60003 no such department, 400002. Source: obtain-the-list-of-sub-department-ids.
        """
        request = Request(
            LIST_SUB_DEPARTMENT_IDS, query={"access_token": corp_access_token}, body={"dept_id": dept_id}
        )
        return self.ask(request, lambda members: read_numbers(read_object(members, "result"), "dept_id_list"))

    def get_department(
        self, *, corp_access_token: str, dept_id: int, language: str = "zh_CN"
    ) -> DepartmentDetail:
        """
        Get one department. Range limited.

        Errors: 60003 no such department, 50004 outside the granted range, 43007 not granted, 400002.
        Source: query-department-details0-v2.
        """
        request = Request(
            GET_DEPARTMENT,
            query={"access_token": corp_access_token},
            body={"dept_id": dept_id, "language": language},
        )
        return self.ask(request, lambda members: _read_detail(read_object(members, "result")))

    def list_parents_of_department(self, *, corp_access_token: str, dept_id: int) -> list[int]:
        """
        List a department and all above it, up to the root. Not range limited.

        Errors: 60003 no such department, 43007 not granted, 400002.
        Source: query-the-list-of-all-parent-departments-of-a-department.
        """
        request = Request(
            LIST_PARENTS_OF_DEPARTMENT, query={"access_token": corp_access_token}, body={"dept_id": dept_id}
        )
        return self.ask(
            request, lambda members: read_numbers(read_object(members, "result"), "parent_id_list")
        )

    def list_parents_of_user(self, *, corp_access_token: str, user_id: str) -> list[list[int]]:
        """
        List, for each department of a person, it and all above it up to the root. Not range limited.

        Errors: 33012 nobody has this id, 43007 not granted, 400002.
        Source: queries-the-list-of-all-parent-departments-of-a-user.
        """
        request = Request(
            LIST_PARENTS_OF_USER, query={"access_token": corp_access_token}, body={"userid": user_id}
        )
        return self.ask(request, _read_parents_of_user)


def _read_departments(members: Mapping[str, Any]) -> list[Department]:
    if "result" not in members:
        raise UnusableAnswer("no result in the answer")
    return [Department(**_read_entry(each)) for each in read_objects(members, "result")]


def _read_entry(members: Mapping[str, Any]) -> dict[str, Any]:
    dept_id = read_int(members.get("dept_id"))
    if dept_id is None:
        raise UnusableAnswer("a department without an id in the answer")
    return {
        "dept_id": dept_id,
        "name": clean_text(members.get("name"), _TEXT_LENGTH),
        "parent_id": read_int(members.get("parent_id")),
        "creates_group": read_bool(members.get("create_dept_group")),
        "adds_users": read_bool(members.get("auto_add_user")),
    }


def _read_detail(members: Mapping[str, Any]) -> DepartmentDetail:
    return DepartmentDetail(
        **_read_entry(members),
        order=read_int(members.get("order")),
        code=clean_text(members.get("code"), _TEXT_LENGTH),
        approves_applications=read_bool(members.get("auto_approve_apply")),
        group_contains_sub_departments=read_bool(members.get("group_contain_sub_dept")),
        group_chat_id=clean_text(members.get("dept_group_chat_id"), _TEXT_LENGTH),
        owner_user_id=clean_text(members.get("org_dept_owner"), _TEXT_LENGTH),
        manager_user_ids=tuple(read_ids(members, "dept_manager_userid_list")),
        is_hidden=read_bool(members.get("hide_dept")),
        is_outer=read_bool(members.get("outer_dept")),
        outer_dept_ids=tuple(read_numbers(members, "outer_permit_depts")),
        outer_user_ids=tuple(read_ids(members, "outer_permit_users")),
        permitted_dept_ids=tuple(read_numbers(members, "dept_permits")),
        permitted_user_ids=tuple(read_ids(members, "user_permits")),
        member_count=read_int(members.get("member_count")),
        owning_member_count=read_int(members.get("owning_member_count")),
    )


def _read_parents_of_user(members: Mapping[str, Any]) -> list[list[int]]:
    lists = read_objects(read_object(members, "result"), "parent_list")
    return [read_numbers(each, "parent_dept_id_list") for each in lists]
