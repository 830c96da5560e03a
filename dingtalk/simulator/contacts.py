"""The address book as an app sees it: the scope of the grant, people by id, and those of a department."""

from typing import Any

from dingtalk.simulator.answers import NewFamilyError, OldFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.grants import is_department_in_scope, is_user_in_scope
from dingtalk.simulator.identification import header_grant, plain_grant, topapi_grant
from dingtalk.simulator.profiles import auth_scopes
from dingtalk.simulator.world import SCHOOL_DEPARTMENT, Company, Department, Grant, Person

Result = dict[str, Any]

LARGEST_PAGE = 100
_LANGUAGES = ("", "zh_CN", "en_US")
_ORDERS = ("", "custom", "entry_asc", "entry_desc", "modify_asc", "modify_desc")
_LONGEST_USERID = 64
_MEMBER, _MAIN_ADMINISTRATOR = 0, 1


def get_scopes(call: Call) -> Result:
    """What the app may see, flat (`obtain-corpsecret-authorization-scope`)."""
    return auth_scopes(plain_grant(call))


def get_user(call: Call) -> Result:
    """One person, without what an ISV is not given (`query-user-details`)."""
    grant, company = caller(call)
    check_language(call)
    userid = call.parameters.text("userid")
    if not userid:
        raise OldFamilyError(400002, "参数错误: userid")
    person = find_person(company, userid)
    check_person(grant, company, person)
    return {"result": _person(company, person)}


def list_users(call: Call) -> Result:
    """Members of a department, page by page (`queries-the-complete-information-of-a-department-user`)."""
    people, dept_id = _members(call, bad_cursor=40035, bad_size=40035)
    return _page(call, [_listed(person, dept_id) for person in people])


def list_simple_users(call: Call) -> Result:
    """The same by id and name (`queries-the-simple-information-of-a-department-user`)."""
    people, _dept_id = _members(call, bad_cursor=40068, bad_size=40069)
    return _page(call, [{"userid": person.userid, "name": person.name} for person in people])


def list_user_ids(call: Call) -> Result:
    """Ids of all members, whatever the scope (`query-the-list-of-department-userids`)."""
    _grant, company = caller(call)
    dept_id = find_department(call, company).dept_id
    userids = [person.userid for person in company.people.values() if dept_id in person.dept_ids]
    return {"result": {"userid_list": userids}}


def get_by_union_id(call: Call) -> Result:
    """Who has a union id (`query-a-user-by-the-union-id`)."""
    grant, company = caller(call)
    return _found(grant, company, unionid=call.parameters.text("unionid"))


def get_by_mobile(call: Call) -> Result:
    """Who has a mobile number."""
    grant, company = caller(call)
    found = _found(grant, company, mobile=call.parameters.text("mobile"))
    return {"result": {"userid": found["result"]["userid"]}}


def list_administrators(call: Call) -> Result:
    """Who administers the company (`query-the-administrator-list`)."""
    _grant, company = caller(call)
    administrators = [person for person in company.people.values() if person.is_admin]
    return {
        "result": [
            {
                "userid": person.userid,
                "sys_level": _MAIN_ADMINISTRATOR if person.userid == company.admin_userid else 2,
            }
            for person in administrators
        ]
    }


def count_users(call: Call) -> Result:
    """How many people there are, whatever the scope (`user-management-acquires-number-employees`)."""
    _grant, company = caller(call)
    only_active = {"true": True, "false": False}.get(call.parameters.text("only_active"))
    if only_active is None:
        raise OldFamilyError(400002, "参数错误: only_active")
    people = company.people.values()
    return {"result": {"count": sum(person.is_active or not only_active for person in people)}}


def can_access_microapp(call: Call) -> Result:
    """Whether an administrator may manage this app, flat; for suites."""
    grant = plain_grant(call)
    suite = call.world.find_suite(grant)
    if suite is None:
        raise OldFamilyError(60011, "没有调用该接口的权限")
    app_id, userid = call.query.whole("appId"), call.query.text("userId")
    if app_id is None or not userid:
        raise OldFamilyError(40035, "不合法的参数")
    person = call.world.companies[grant.corp_id].people.get(userid)
    return {"canAccess": bool(suite.app_id == app_id and person is not None and person.is_admin)}


def get_organization(call: Call) -> Result:
    """What is verified about the company (`obtain-enterprise-authentication-information`)."""
    grant = header_grant(call)
    target = call.query.text("targetCorpId")
    if not target:
        raise NewFamilyError("invalidParameter.system.param", "参数错误: targetCorpId")
    if target != grant.corp_id:
        raise NewFamilyError("permission.denied", "没有权限")
    company = call.world.companies[target]
    if not company.auth_level:
        return {"authLevel": 0, "orgName": company.name}
    return {
        "authLevel": company.auth_level,
        "orgName": company.name,
        "licenseOrgName": company.name,
        "registrationNum": "330100000000001",
        "unifiedSocialCredit": "91330100MA00000001",
        "organizationCode": "MA0000001",
        "legalPerson": company.people[company.admin_userid].name,
        "licenseUrl": "https://example.com/license.png",
    }


def caller(call: Call) -> tuple[Grant, Company]:
    """Whose token it is, and the company that it is for."""
    grant = topapi_grant(call)
    return grant, call.world.companies[grant.corp_id]


def check_language(call: Call) -> None:
    """Refuse a language that there is not."""
    if call.parameters.text("language") not in _LANGUAGES:
        raise OldFamilyError(400002, "参数错误: language")


def find_person(company: Company, userid: str) -> Person:
    """Somebody of the company: 33012 for what is no userid, 60121 for nobody's."""
    if len(userid) > _LONGEST_USERID:
        raise OldFamilyError(33012, "无效的USERID")
    person = company.people.get(userid)
    if person is None:
        raise OldFamilyError(60121, "找不到该用户")
    return person


def find_department(call: Call, company: Company, *, default: int | None = None) -> Department:
    """The department of a call: 400002 for no number, 40009 for the school's, 60003 for none."""
    dept_id = call.parameters.whole("dept_id")
    if dept_id is None and not call.parameters.text("dept_id"):
        dept_id = default
    if dept_id is None:
        raise OldFamilyError(400002, "参数错误: dept_id")
    if dept_id == SCHOOL_DEPARTMENT:
        raise OldFamilyError(40009, "不合法的部门id")
    if dept_id not in company.departments:
        raise OldFamilyError(60003, "部门不存在")
    return company.departments[dept_id]


def check_department(grant: Grant, company: Company, dept_id: int) -> None:
    """Refuse a department that the company has not granted."""
    if not is_department_in_scope(grant, company=company, dept_id=dept_id):
        raise OldFamilyError(50004, "请求的部门id不在授权范围内")


def check_person(grant: Grant, company: Company, person: Person) -> None:
    """Refuse somebody whom the company has not granted."""
    if not is_user_in_scope(grant, company=company, userid=person.userid):
        raise OldFamilyError(50002, "请求的员工userid不在授权范围内")


def number_within(call: Call, name: str, *, default: int | None, most: int, error: int) -> int:
    """A number from 0 to `most`; the error for anything else, also for none if there is no default."""
    if not call.parameters.text(name) and default is not None:
        return default
    number = call.parameters.whole(name)
    if number is None or not 0 <= number <= most:
        raise OldFamilyError(error, f"不合法的{name}")
    return number


def _found(grant: Grant, company: Company, **wanted: str) -> Result:
    [(name, value)] = wanted.items()
    if not value:
        raise OldFamilyError(400002, f"参数错误: {name}")
    person = next((each for each in company.people.values() if getattr(each, name) == value), None)
    if person is None:
        raise OldFamilyError(60121, "找不到该用户")
    check_person(grant, company, person)
    return {"result": {"contact_type": _MEMBER, "userid": person.userid}}


def _members(call: Call, *, bad_cursor: int, bad_size: int) -> tuple[list[Person], int]:
    grant, company = caller(call)
    check_language(call)
    dept_id = find_department(call, company).dept_id
    check_department(grant, company, dept_id)
    number_within(call, "cursor", default=0, most=2**31, error=bad_cursor)
    if not number_within(call, "size", default=None, most=LARGEST_PAGE, error=bad_size):
        raise OldFamilyError(bad_size, "不合法的size")
    order = call.parameters.text("order_field")
    if order not in _ORDERS:
        raise OldFamilyError(400002, "参数错误: order_field")
    people = [person for person in company.people.values() if dept_id in person.dept_ids]
    return (people[::-1] if order.endswith("_desc") else people), dept_id


def _page(call: Call, entries: list[Result]) -> Result:
    """A page of a list. The last one has a cursor too: only `has_more` tells."""
    cursor, size = call.parameters.whole("cursor") or 0, call.parameters.whole("size") or LARGEST_PAGE
    end = cursor + size
    return {"result": {"has_more": end < len(entries), "next_cursor": end, "list": entries[cursor:end]}}


def _person(company: Company, person: Person) -> Result:
    return {
        **_common(person),
        "dept_order_list": [{"dept_id": dept_id, "order": 1} for dept_id in person.dept_ids],
        "leader_in_dept": [
            {"dept_id": dept_id, "leader": dept_id in person.led_dept_ids} for dept_id in person.dept_ids
        ],
        "role_list": [
            {"id": role.role_id, "name": role.name, "group_name": role.group_name}
            for role in company.roles.values()
            if role.role_id in person.role_ids
        ],
        "real_authed": True,
        "senior": False,
        "exclusive_account": False,
    }


def _listed(person: Person, dept_id: int) -> Result:
    """Somebody in a list, where some members are others than those of a single person."""
    return {**_common(person), "leader": dept_id in person.led_dept_ids, "dept_order": 1}


def _common(person: Person) -> Result:
    return {
        "userid": person.userid,
        "unionid": person.unionid,
        "name": person.name,
        "avatar": "",
        "title": person.title,
        "job_number": "",
        "dept_id_list": list(person.dept_ids),
        "active": person.is_active,
        "admin": person.is_admin,
        "boss": False,
        "hide_mobile": False,
    }
