"""Departments as an app sees them: below, above, and one by itself."""

from collections.abc import Iterator
from typing import Any

from dingtalk.simulator.answers import OldFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.contacts import caller, check_department, check_language, find_department
from dingtalk.simulator.world import ROOT_DEPARTMENT, Company, Department

Result = dict[str, Any]


def list_sub_departments(call: Call) -> Result:
    """Direct children of a department (`user-management-acquires-the-list-departments`)."""
    grant, company = caller(call)
    check_language(call)
    department = find_department(call, company, default=ROOT_DEPARTMENT)
    check_department(grant, company, department.dept_id)
    return {"result": [_entry(each) for each in children(company, department)]}


def list_sub_department_ids(call: Call) -> Result:
    """Ids of direct children, whatever the scope (`obtain-the-list-of-sub-department-ids`)."""
    _grant, company = caller(call)
    department = find_department(call, company)
    return {"result": {"dept_id_list": [each.dept_id for each in children(company, department)]}}


def get_department(call: Call) -> Result:
    """One department (`query-department-details0-v2`)."""
    grant, company = caller(call)
    check_language(call)
    department = find_department(call, company)
    check_department(grant, company, department.dept_id)
    dept_id = department.dept_id
    people = company.people.values()
    return {
        "result": {
            **_entry(department),
            "order": dept_id,
            "auto_approve_apply": False,
            "group_contain_sub_dept": False,
            "org_dept_owner": "",
            "dept_manager_userid_list": [each.userid for each in people if dept_id in each.led_dept_ids],
            "outer_dept": False,
            "outer_permit_depts": [],
            "outer_permit_users": [],
            "hide_dept": False,
            "dept_permits": [],
            "user_permits": [],
            "member_count": sum(dept_id in each.dept_ids for each in people),
        }
    }


def list_parents_of_department(call: Call) -> Result:
    """A department and all above it (`query-the-list-of-all-parent-departments-of-a-department`)."""
    _grant, company = caller(call)
    department = find_department(call, company)
    return {"result": {"parent_id_list": list(upwards(company, department.dept_id))}}


def list_parents_of_user(call: Call) -> Result:
    """The same for each department of a person (`queries-the-list-of-all-parent-departments-of-a-user`)."""
    _grant, company = caller(call)
    userid = call.parameters.text("userid")
    if not userid:
        raise OldFamilyError(400002, "参数错误: userid")
    if userid not in company.people:
        raise OldFamilyError(33012, "无效的USERID")
    dept_ids = company.people[userid].dept_ids
    return {
        "result": {
            "parent_list": [{"parent_dept_id_list": list(upwards(company, each))} for each in dept_ids]
        }
    }


def children(company: Company, department: Department) -> list[Department]:
    """The departments right below one."""
    return [each for each in company.departments.values() if each.parent_id == department.dept_id]


def upwards(company: Company, dept_id: int) -> Iterator[int]:
    """A department and all above it."""
    seen: set[int] = set()
    current: int | None = dept_id
    while current is not None and current in company.departments and current not in seen:
        seen.add(current)
        yield current
        current = company.departments[current].parent_id


def _entry(department: Department) -> Result:
    """What lists say of a department; the root has no parent."""
    parent = {} if department.parent_id is None else {"parent_id": department.parent_id}
    return {
        "dept_id": department.dept_id,
        "name": department.name,
        **parent,
        "create_dept_group": False,
        "auto_add_user": False,
    }
