"""Data calls with which a corp token can be tried: the scope of the grant, a person, departments."""

from typing import Any

from dingtalk.simulator.answers import OldFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.grants import is_department_in_scope, is_user_in_scope
from dingtalk.simulator.identification import plain_grant, topapi_grant
from dingtalk.simulator.profiles import auth_scopes
from dingtalk.simulator.world import ROOT_DEPARTMENT, Person

Result = dict[str, Any]


def get_scopes(call: Call) -> Result:
    """What the app may see, flat (`obtain-corpsecret-authorization-scope`)."""
    return auth_scopes(plain_grant(call))


def get_user(call: Call) -> Result:
    """One person, without what an ISV is not given (`query-user-details`)."""
    grant = topapi_grant(call)
    userid = call.parameters.text("userid")
    if not userid:
        raise OldFamilyError(400002, "参数错误: userid")
    company = call.world.companies[grant.corp_id]
    person = company.people.get(userid)
    if person is None:
        raise OldFamilyError(60121, "找不到该用户")
    if not is_user_in_scope(grant, company=company, userid=userid):
        raise OldFamilyError(50002, "请求的员工userid不在授权范围内")
    return {"result": _person(person)}


def list_sub_departments(call: Call) -> Result:
    """Direct children of a department (`user-management-acquires-the-list-departments`)."""
    grant = topapi_grant(call)
    dept_id = call.parameters.whole("dept_id")
    if dept_id is None:
        if call.parameters.text("dept_id"):
            raise OldFamilyError(400002, "参数错误: dept_id")
        dept_id = ROOT_DEPARTMENT
    company = call.world.companies[grant.corp_id]
    if dept_id not in company.departments:
        raise OldFamilyError(60003, "部门不存在")
    if not is_department_in_scope(grant, company=company, dept_id=dept_id):
        raise OldFamilyError(50004, "请求的部门id不在授权范围内")
    children = [each for each in company.departments.values() if each.parent_id == dept_id]
    return {
        "result": [
            {
                "dept_id": each.dept_id,
                "name": each.name,
                "parent_id": dept_id,
                "create_dept_group": False,
                "auto_add_user": False,
            }
            for each in children
        ]
    }


def _person(person: Person) -> Result:
    return {
        "userid": person.userid,
        "unionid": person.unionid,
        "name": person.name,
        "avatar": "",
        "title": person.title,
        "job_number": "",
        "dept_id_list": list(person.dept_ids),
        "dept_order_list": [{"dept_id": dept_id, "order": 1} for dept_id in person.dept_ids],
        "leader_in_dept": [{"dept_id": dept_id, "leader": False} for dept_id in person.dept_ids],
        "role_list": [],
        "active": True,
        "real_authed": True,
        "senior": False,
        "admin": person.is_admin,
        "boss": False,
        "hide_mobile": False,
        "exclusive_account": False,
    }
