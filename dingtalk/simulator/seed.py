"""
Making a world from a seed: JSON that names suites, companies, people, grants and one-time codes.

Whatever a seed leaves out is invented. The format is described in `docs/simulator.md`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dingtalk.simulator import grants, invention
from dingtalk.simulator.crypto import aes_key_of
from dingtalk.simulator.world import (
    ROOT_DEPARTMENT,
    Company,
    Department,
    Grant,
    Person,
    PushMode,
    Suite,
    World,
)

Seed = Mapping[str, Any]

DEFAULT_SEED: Seed = {
    "suites": [
        {"name": "考勤助手", "push_mode": "sync_http"},
        {"name": "报销助手", "push_mode": "http"},
    ],
    "companies": [
        {"name": "杭州云栖科技有限公司", "industry": "软件和信息技术服务"},
        {"name": "深圳前海贸易有限公司", "industry": "批发零售"},
        {"name": "成都天府食品厂", "industry": "食品制造"},
    ],
}
_PEOPLE = (("manager01", "张伟", "总经理"), ("zhangsan", "张三", "工程师"), ("lisi", "李四", "会计"))
_DEPARTMENTS = ((2, "研发部"), (3, "市场部"))
_SUITE_SETTINGS = (
    *("suite_id", "suite_key", "suite_secret", "token", "encoding_aes_key", "name"),
    *("push_mode", "callback_url", "signature_parameter", "wants_random", "deadline_ms", "app_id"),
)


class SeedError(ValueError):
    """A seed says something that cannot be; the text says what."""


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
    """Fill a world. Every suite has a current ticket from the start."""
    for values in _objects(seed, "suites") or [{}]:
        add_suite(world, values)
    for values in _objects(seed, "companies"):
        add_company(world, values)
    for values in _objects(seed, "grants"):
        _add_grant(world, values)
    for values in _objects(seed, "one_time_codes"):
        _add_code(world, values)


def add_suite(world: World, values: Mapping[str, Any]) -> Suite:
    """Register a suite; what is missing is invented."""
    suite = Suite(
        suite_id=str(values.get("suite_id") or invention.number(8)),
        suite_key=str(values.get("suite_key") or f"suite{invention.lower(15)}"),
        suite_secret=str(values.get("suite_secret") or invention.alphanumeric(64)),
        token=str(values.get("token") or invention.alphanumeric(16)),
        encoding_aes_key=str(values.get("encoding_aes_key") or invention.alphanumeric(43)),
        name=str(values.get("name") or "示例应用"),
        app_id=int(values.get("app_id") or invention.number(5)),
        isv_corp_id=str(values.get("isv_corp_id") or invention.corp_id()),
    )
    if suite.suite_key in world.suites:
        raise SeedError(f"suite {suite.suite_key} exists already")
    change_suite(suite, {name: values[name] for name in _SUITE_SETTINGS[6:-1] if name in values})
    _check_aes_key(suite.encoding_aes_key)
    world.suites[suite.suite_key] = suite
    world.new_ticket(suite)
    return suite


def change_suite(suite: Suite, values: Mapping[str, Any]) -> None:
    """Change a suite's settings or credentials; SeedError for what it has not or cannot have."""
    unknown = set(values) - set(_SUITE_SETTINGS)
    if unknown or values.get("suite_key", suite.suite_key) != suite.suite_key:
        raise SeedError(f"cannot be set: {', '.join(sorted(unknown)) or 'suite_key'}")
    changed = dict(values)
    if "push_mode" in changed:
        changed["push_mode"] = _push_mode(changed["push_mode"])
    if "encoding_aes_key" in changed:
        _check_aes_key(str(changed["encoding_aes_key"]))
    if changed.get("signature_parameter", "signature") not in ("signature", "msg_signature"):
        raise SeedError("signature_parameter is signature or msg_signature")
    for name, value in changed.items():
        setattr(suite, name, value)


def add_company(world: World, values: Mapping[str, Any]) -> Company:
    """Make a company with departments and people; `authorized_suites` are granted without a push."""
    corp_id = str(values.get("corp_id") or invention.corp_id())
    if corp_id in world.companies:
        raise SeedError(f"company {corp_id} exists already")
    name = str(values.get("name") or "示例企业")
    people = _people(values)
    admin_userid = _admin(values, people)
    people[admin_userid].is_admin = True
    company = Company(
        corp_id=corp_id,
        name=name,
        industry=str(values.get("industry") or ""),
        admin_userid=admin_userid,
        departments=_departments(values, company_name=name),
        people=people,
    )
    world.companies[corp_id] = company
    for suite_key in values.get("authorized_suites", ()):
        _add_grant(world, {"suite_key": suite_key, "corp_id": corp_id})
    return company


def _departments(values: Mapping[str, Any], *, company_name: str) -> dict[int, Department]:
    given = _objects(values, "departments") or [
        {"dept_id": dept_id, "name": name} for dept_id, name in _DEPARTMENTS
    ]
    departments = {ROOT_DEPARTMENT: Department(ROOT_DEPARTMENT, company_name, None)}
    for each in given:
        dept_id = int(each.get("dept_id") or max(departments) + 1)
        parent_id = None if dept_id == ROOT_DEPARTMENT else int(each.get("parent_id") or ROOT_DEPARTMENT)
        departments[dept_id] = Department(dept_id, str(each.get("name") or f"部门{dept_id}"), parent_id)
    return departments


def _people(values: Mapping[str, Any]) -> dict[str, Person]:
    given = _objects(values, "users") or [
        {"userid": userid, "name": name, "title": title} for userid, name, title in _PEOPLE
    ]
    people = [
        Person(
            userid=str(each.get("userid") or invention.lower(16)),
            name=str(each.get("name") or "示例员工"),
            unionid=str(each.get("unionid") or invention.alphanumeric(22)),
            dept_ids=[int(dept_id) for dept_id in each.get("dept_id_list") or [ROOT_DEPARTMENT]],
            title=str(each.get("title") or ""),
        )
        for each in given
    ]
    return {person.userid: person for person in people}


def _admin(values: Mapping[str, Any], people: Mapping[str, Person]) -> str:
    admin = values.get("admin") or next(iter(people))
    if admin not in people:
        raise SeedError(f"the admin {admin} is not among the users")
    return str(admin)


def _add_grant(world: World, values: Mapping[str, Any]) -> Grant:
    suite, company = _pair(world, values)
    grant = grants.authorize(world, suite=suite, company=company)
    grant.permanent_code = str(values.get("permanent_code") or grant.permanent_code)
    grant.agent_id = int(values.get("agent_id") or grant.agent_id)
    grant.is_activated = bool(values.get("activated", grant.is_activated))
    return grant


def _add_code(world: World, values: Mapping[str, Any]) -> None:
    """A code that lies ready; its company has authorised the suite."""
    suite, company = _pair(world, values)
    grant = grants.authorize(world, suite=suite, company=company)
    grants.new_code(world, grant, text=str(values.get("code") or ""))


def _pair(world: World, values: Mapping[str, Any]) -> tuple[Suite, Company]:
    """The suite and company that an entry names; the first one of each where it names none."""
    suite_key = values.get("suite_key") or next(iter(world.suites), "")
    corp_id = values.get("corp_id") or next(iter(world.companies), "")
    if suite_key not in world.suites:
        raise SeedError(f"there is no suite {suite_key}")
    if corp_id not in world.companies:
        raise SeedError(f"there is no company {corp_id}")
    return world.suites[suite_key], world.companies[corp_id]


def _objects(values: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    entries = values.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SeedError(f"{name} is a list of objects")
    return entries


def _push_mode(value: Any) -> PushMode:
    try:
        return PushMode(value)
    except ValueError as error:
        raise SeedError(f"push_mode is one of: {', '.join(PushMode)}") from error


def _check_aes_key(text: str) -> None:
    try:
        aes_key_of(text)
    except ValueError as error:
        raise SeedError(str(error)) from error
