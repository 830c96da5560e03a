"""
The address book by the calls of old clients: the token in the query, answers flat and in camel case.

The same people, departments and ranges as below `/topapi`; a suite is told direct children only. Sources: the
historic guide (`ddtalk/dingTalkDoc`), the answers' classes in the official SDK for Java, 007gzs/dingtalk-sdk.
"""

import json
from typing import Any

from dingtalk.simulator.answers import OldFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.contacts import check_department, check_person, find_person, number_within
from dingtalk.simulator.departments import children, upwards
from dingtalk.simulator.identification import plain_grant
from dingtalk.simulator.world import ROOT_DEPARTMENT, Company, Department, Grant, Person

Result = dict[str, Any]

_LARGEST_PAGE = 100
_BAD_OFFSET, _BAD_SIZE = 40068, 40069
_MEMBER, _MAIN_ADMINISTRATOR, _SUB_ADMINISTRATOR = 0, 1, 2


def get_user(call: Call) -> Result:
    """One person; what belongs to a department is JSON-like text with numbers as names."""
    grant, company = _caller(call)
    person = find_person(company, _required(call, "userid"))
    check_person(grant, company, person)
    return {
        **_common(person),
        "orderInDepts": _by_department(dict.fromkeys(person.dept_ids, "1")),
        "isLeaderInDepts": _by_department(
            {dept_id: json.dumps(dept_id in person.led_dept_ids) for dept_id in person.dept_ids}
        ),
        "isSenior": False,
        "roles": [
            {"id": role.role_id, "name": role.name, "groupName": role.group_name}
            for role in company.roles.values()
            if role.role_id in person.role_ids
        ],
    }


def list_users(call: Call) -> Result:
    """Members of a department with details, page by page."""
    people, dept_id, has_more = _members(call)
    entries = [{**_common(each), "order": 1, "isLeader": dept_id in each.led_dept_ids} for each in people]
    return {"hasMore": has_more, "userlist": entries}


def list_simple_users(call: Call) -> Result:
    """The same by id and name."""
    people, _dept_id, has_more = _members(call)
    return {"hasMore": has_more, "userlist": [{"userid": each.userid, "name": each.name} for each in people]}


def list_user_ids(call: Call) -> Result:
    """Ids of all members, whatever the scope."""
    _grant, company = _caller(call)
    dept_id = _department(call, company, "deptId").dept_id
    return {"userIds": [each.userid for each in company.people.values() if dept_id in each.dept_ids]}


def get_by_union_id(call: Call) -> Result:
    """Who has a union id."""
    grant, company = _caller(call)
    union_id = _required(call, "unionid")
    person = next((each for each in company.people.values() if each.unionid == union_id), None)
    if person is None:
        raise OldFamilyError(60121, "找不到该用户")
    check_person(grant, company, person)
    return {"contactType": _MEMBER, "userid": person.userid}


def list_administrators(call: Call) -> Result:
    """Who administers the company."""
    _grant, company = _caller(call)
    levels = {company.admin_userid: _MAIN_ADMINISTRATOR}
    administrators = [each.userid for each in company.people.values() if each.is_admin]
    entries = [{"userid": each, "sys_level": levels.get(each, _SUB_ADMINISTRATOR)} for each in administrators]
    return {"admin_list": entries}


def count_users(call: Call) -> Result:
    """How many people there are: with `onlyActive` 0 all of them, with 1 those who are active."""
    _grant, company = _caller(call)
    only_active = call.query.whole("onlyActive")
    if only_active not in (0, 1):
        raise OldFamilyError(40035, "不合法的参数: onlyActive")
    return {"count": sum(each.is_active or not only_active for each in company.people.values())}


def list_departments(call: Call) -> Result:
    """Departments below one, the root unless it is named; all of them for an app that is no suite."""
    grant, company = _caller(call)
    department = _department(call, company, "id", default=ROOT_DEPARTMENT)
    check_department(grant, company, department.dept_id)
    found = children(company, department)
    if call.world.find_suite(grant) is None and call.query.text("fetch_child").lower() != "false":
        found = [each for each in company.departments.values() if _is_below(company, each, department)]
    return {"department": [_entry(each) for each in found]}


def list_department_ids(call: Call) -> Result:
    """Ids of direct children, whatever the scope."""
    _grant, company = _caller(call)
    department = _department(call, company, "id")
    return {"sub_dept_id_list": [each.dept_id for each in children(company, department)]}


def get_department(call: Call) -> Result:
    """One department; lists in it are text with bars."""
    grant, company = _caller(call)
    department = _department(call, company, "id")
    dept_id = department.dept_id
    check_department(grant, company, dept_id)
    managers = [each.userid for each in company.people.values() if dept_id in each.led_dept_ids]
    empty = ("deptPermits", "userPermits", "outerPermitDepts", "outerPermitUsers", "orgDeptOwner")
    return {
        **_entry(department),
        "order": dept_id,
        "deptHiding": False,
        "outerDept": False,
        "groupContainSubDept": False,
        "deptManagerUseridList": "|".join(managers),
        **dict.fromkeys(empty, ""),
    }


def list_parents_of_department(call: Call) -> Result:
    """A department and all above it."""
    _grant, company = _caller(call)
    return {"parentIds": list(upwards(company, _department(call, company, "id").dept_id))}


def list_parents_of_user(call: Call) -> Result:
    """The same for each department of a person; the list of lists is text."""
    _grant, company = _caller(call)
    person = find_person(company, _required(call, "userId"))
    return {"department": json.dumps([list(upwards(company, each)) for each in person.dept_ids])}


def _caller(call: Call) -> tuple[Grant, Company]:
    grant = plain_grant(call)
    return grant, call.world.companies[grant.corp_id]


def _required(call: Call, name: str) -> str:
    text = call.query.text(name)
    if not text:
        raise OldFamilyError(40035, f"不合法的参数: {name}")
    return text


def _department(call: Call, company: Company, name: str, *, default: int | None = None) -> Department:
    dept_id = call.query.whole(name) if call.query.text(name) else default
    if dept_id is None:
        raise OldFamilyError(40009, "不合法的部门id")
    if dept_id not in company.departments:
        raise OldFamilyError(60003, "部门不存在")
    return company.departments[dept_id]


def _members(call: Call) -> tuple[list[Person], int, bool]:
    """A page of a department's members, the department, and whether there are more."""
    grant, company = _caller(call)
    dept_id = _department(call, company, "department_id").dept_id
    check_department(grant, company, dept_id)
    offset = number_within(call, "offset", default=0, most=2**31, error=_BAD_OFFSET)
    size = number_within(call, "size", default=_LARGEST_PAGE, most=_LARGEST_PAGE, error=_BAD_SIZE)
    people = [each for each in company.people.values() if dept_id in each.dept_ids]
    end = offset + size
    return people[offset:end], dept_id, end < len(people)


def _is_below(company: Company, department: Department, ancestor: Department) -> bool:
    return department is not ancestor and ancestor.dept_id in upwards(company, department.dept_id)


def _by_department(values: dict[int, str]) -> str:
    return "{" + ",".join(f"{dept_id}:{value}" for dept_id, value in values.items()) + "}"


def _common(person: Person) -> Result:
    return {
        "userid": person.userid,
        "unionid": person.unionid,
        "name": person.name,
        "active": person.is_active,
        "isAdmin": person.is_admin,
        "isBoss": False,
        "isHide": False,
        "department": list(person.dept_ids),
        "position": person.title,
        "avatar": "",
        "jobnumber": "",
        "extattr": {},
    }


def _entry(department: Department) -> Result:
    """What lists say of a department; the root has no parent."""
    parent = {} if department.parent_id is None else {"parentid": department.parent_id}
    return {
        "id": department.dept_id,
        "name": department.name,
        **parent,
        "createDeptGroup": False,
        "autoAddUser": False,
    }
