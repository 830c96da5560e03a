"""
Making a world from a seed: JSON that names suites, companies, people, grants and one-time codes.

Whatever a seed leaves out is invented. The format is described in `docs/simulator.md`.
"""

import json
from pathlib import Path

from dingtalk.simulator import grants, invention
from dingtalk.simulator.inhabitants import invent_people
from dingtalk.simulator.seed_values import SeedError, Values, items, text, whole
from dingtalk.simulator.suite_settings import add_suite
from dingtalk.simulator.world import ROOT_DEPARTMENT, Company, Department, Grant, Person, Role, Suite, World

Seed = Values

DEFAULT_SEED: Seed = {
    "suites": [
        {"name": "考勤助手", "push_mode": "sync_http"},
        {"name": "报销助手", "push_mode": "http"},
    ],
    "companies": [
        {
            "name": "杭州云栖科技有限公司",
            "industry": "软件和信息技术服务",
            "auth_level": 1,
            "departments": [
                {"dept_id": 2, "name": "研发部"},
                {"dept_id": 3, "name": "市场部"},
                {"dept_id": 4, "name": "后端组", "parent_id": 2},
                {"dept_id": 5, "name": "前端组", "parent_id": 2},
                {"dept_id": 6, "name": "华东大区", "parent_id": 3},
                {"dept_id": 7, "name": "上海办事处", "parent_id": 6},
            ],
            "headcount": 240,
        },
        {"name": "深圳前海贸易有限公司", "industry": "批发零售"},
        {"name": "成都天府食品厂", "industry": "食品制造"},
    ],
}
_DEFAULT_DEPARTMENTS: list[Values] = [{"dept_id": 2, "name": "研发部"}, {"dept_id": 3, "name": "市场部"}]
_DEFAULT_USERS: list[Values] = [
    {"userid": "manager01", "name": "张伟", "title": "总经理", "role_ids": [101]},
    {"userid": "zhangsan", "name": "张三", "title": "工程师", "dept_id_list": [2], "leads": [2]},
    {"userid": "lisi", "name": "李四", "title": "会计", "dept_id_list": [3]},
]
_DEFAULT_ROLES: list[Values] = [
    {"role_id": 101, "name": "负责人", "group_id": 100, "group_name": "默认"},
    {"role_id": 102, "name": "主管", "group_id": 100, "group_name": "默认"},
    {"role_id": 201, "name": "财务", "group_id": 200, "group_name": "职务"},
]
_LARGEST_HEADCOUNT = 10_000


def read_seed(path: Path) -> Seed:
    """A seed from a JSON file; SeedError when it is none."""
    try:
        seed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SeedError(f"{path}: {error}") from error
    if not isinstance(seed, dict):
        raise SeedError(f"{path}: a seed is a JSON object")
    return seed


def plant(world: World, seed: Seed) -> None:
    """Fill a world. There is at least one suite, and every suite has a ticket from the start."""
    for values in items(seed, "suites", dict) or [{}]:
        add_suite(world, values)
    for values in items(seed, "companies", dict):
        add_company(world, values)
    for values in items(seed, "grants", dict):
        _add_grant(world, values)
    for values in items(seed, "one_time_codes", dict):
        _add_code(world, values)


def add_company(world: World, values: Values) -> Company:
    """Make a company with departments and people; `authorized_suites` are granted without a push."""
    corp_id = text(values, "corp_id", invention.corp_id)
    if corp_id in world.companies:
        raise SeedError(f"company {corp_id} exists already")
    name = text(values, "name", lambda: "示例企业")
    departments = _departments(values, company_name=name)
    people = _people(values, departments)
    admin_userid = _admin(values, people)
    company = Company(
        corp_id=corp_id,
        name=name,
        industry=text(values, "industry", str),
        admin_userid=admin_userid,
        departments=departments,
        people=people,
        roles=_roles(values),
        auth_level=whole(values, "auth_level", lambda: 0),
    )
    suites = [_suite(world, suite_key) for suite_key in items(values, "authorized_suites", str)]
    world.companies[corp_id] = company
    grants.add_internal_app(
        world,
        company=company,
        app_key=text(values, "app_key", lambda: f"ding{invention.lower(16)}"),
        app_secret=text(values, "app_secret", lambda: invention.alphanumeric(64)),
    )
    for suite in suites:
        grants.authorize(world, suite=suite, company=company)
    return company


def _departments(values: Values, *, company_name: str) -> dict[int, Department]:
    departments = {ROOT_DEPARTMENT: Department(ROOT_DEPARTMENT, company_name, None)}
    for each in items(values, "departments", dict) or _DEFAULT_DEPARTMENTS:
        dept_id = whole(each, "dept_id", lambda: max(departments) + 1)
        parent_id = None if dept_id == ROOT_DEPARTMENT else whole(each, "parent_id", lambda: ROOT_DEPARTMENT)
        departments[dept_id] = Department(dept_id, text(each, "name", lambda: "示例部门"), parent_id)
    return departments


def _people(values: Values, departments: dict[int, Department]) -> dict[str, Person]:
    """The people that are named, and as many more as the headcount says."""
    people = [
        Person(
            userid=text(each, "userid", lambda: invention.lower(16)),
            name=text(each, "name", lambda: "示例员工"),
            unionid=text(each, "unionid", lambda: invention.alphanumeric(22)),
            dept_ids=items(each, "dept_id_list", int) or [ROOT_DEPARTMENT],
            title=text(each, "title", str),
            mobile=text(each, "mobile", str),
            is_active=bool(each.get("active", True)),
            led_dept_ids=items(each, "leads", int),
            role_ids=items(each, "role_ids", int),
        )
        for each in items(values, "users", dict) or _DEFAULT_USERS
    ]
    headcount = whole(values, "headcount", lambda: 0)
    if headcount > _LARGEST_HEADCOUNT:
        raise SeedError(f"headcount is at most {_LARGEST_HEADCOUNT}")
    below = [dept_id for dept_id in departments if dept_id != ROOT_DEPARTMENT]
    people += invent_people(headcount - len(people), dept_ids=below or [ROOT_DEPARTMENT])
    return {person.userid: person for person in people}


def _roles(values: Values) -> dict[int, Role]:
    roles = [
        Role(
            role_id=whole(each, "role_id", lambda: invention.number(9)),
            name=text(each, "name", lambda: "示例角色"),
            group_id=whole(each, "group_id", lambda: 1),
            group_name=text(each, "group_name", lambda: "示例角色组"),
        )
        for each in items(values, "roles", dict) or _DEFAULT_ROLES
    ]
    return {role.role_id: role for role in roles}


def _admin(values: Values, people: dict[str, Person]) -> str:
    """The administrator that is named, else the first of the people."""
    userid = text(values, "admin", lambda: next(iter(people)))
    if userid not in people:
        raise SeedError(f"the admin {userid} is not among the users")
    people[userid].is_admin = True
    return userid


def _add_grant(world: World, values: Values) -> Grant:
    suite, company = _pair(world, values)
    grant = grants.authorize(world, suite=suite, company=company)
    grant.permanent_code = text(values, "permanent_code", lambda: grant.permanent_code)
    grant.agent_id = whole(values, "agent_id", lambda: grant.agent_id)
    grant.is_activated = bool(values.get("activated", grant.is_activated))
    return grant


def _add_code(world: World, values: Values) -> None:
    """A code that lies ready; its company has authorised the suite."""
    suite, company = _pair(world, values)
    grant = grants.authorize(world, suite=suite, company=company)
    grants.new_code(world, grant, code=text(values, "code", str))


def _pair(world: World, values: Values) -> tuple[Suite, Company]:
    """The suite and company that an entry names; the first one of each where it names none."""
    suite = _suite(world, text(values, "suite_key", lambda: next(iter(world.suites))))
    corp_id = text(values, "corp_id", lambda: next(iter(world.companies), ""))
    if corp_id not in world.companies:
        raise SeedError(f"there is no company {corp_id}")
    return suite, world.companies[corp_id]


def _suite(world: World, suite_key: str) -> Suite:
    if suite_key not in world.suites:
        raise SeedError(f"there is no suite {suite_key}")
    return world.suites[suite_key]
