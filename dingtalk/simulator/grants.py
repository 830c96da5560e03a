"""What companies do with a suite: authorise, change the scope, switch the app, withdraw."""

from dingtalk.simulator import invention
from dingtalk.simulator.world import (
    ROOT_DEPARTMENT,
    AppState,
    Company,
    Grant,
    InternalApp,
    OneTimeCode,
    PushMode,
    Scope,
    Suite,
    World,
)


def authorize(world: World, *, suite: Suite, company: Company) -> Grant:
    """
    The administrator consents.

    A new grant has a new permanent code and agent id. Consent to a suite that is already authorised changes
    nothing but the time. Under the legacy HTTP push the app then waits for `activate_suite`; otherwise it
    is active at once (`activate-authorized-applications`).
    """
    standing = world.find_grant(suite_key=suite.suite_key, corp_id=company.corp_id)
    if standing is not None:
        return standing
    grant = Grant(
        suite_key=suite.suite_key,
        corp_id=company.corp_id,
        permanent_code=invention.alphanumeric(64),
        agent_id=invention.number(9),
        scope=Scope(dept_ids=[ROOT_DEPARTMENT], user_ids=[]),
        is_activated=suite.push_mode is not PushMode.HTTP,
        authorized_at_ms=world.clock.now_ms(),
    )
    world.grants[suite.suite_key, company.corp_id] = grant
    return grant


def add_internal_app(world: World, *, company: Company, app_key: str, app_secret: str) -> InternalApp:
    """Let a company have an app of its own, which may see everybody."""
    grant = Grant(
        suite_key=app_key,
        corp_id=company.corp_id,
        permanent_code="",
        agent_id=invention.number(9),
        scope=Scope(dept_ids=[ROOT_DEPARTMENT], user_ids=[]),
        is_activated=True,
        authorized_at_ms=world.clock.now_ms(),
    )
    world.internal_apps[app_key] = InternalApp(app_key=app_key, app_secret=app_secret, grant=grant)
    return world.internal_apps[app_key]


def new_code(world: World, grant: Grant, *, code: str = "") -> OneTimeCode:
    """A temporary code for a grant, invented unless it is given."""
    made = OneTimeCode(code or invention.lower(32), grant.suite_key, grant.corp_id)
    world.codes[made.code] = made
    return made


def unspent_code(world: World, grant: Grant) -> OneTimeCode:
    """A code of this grant that still works: one that lies ready (a seed's), else a new one."""
    for code in world.codes.values():
        if (code.suite_key, code.corp_id) == (grant.suite_key, grant.corp_id) and not code.is_spent:
            return code
    return new_code(world, grant)


def spend_code(world: World, code: OneTimeCode) -> None:
    """Use a code up. Of several codes that one consent produced only the first one used works."""
    for other in world.codes.values():
        if (other.suite_key, other.corp_id) == (code.suite_key, code.corp_id):
            other.is_spent = True


def change_scope(grant: Grant, *, company: Company, scope: Scope | None) -> None:
    """Change what the app may see; without a scope: swap between everybody and the first department below."""
    grant.scope = scope or _other_scope(grant.scope, company)


def set_app_state(grant: Grant, state: AppState) -> None:
    """The company stops, restores or removes the app; the grant itself stays."""
    grant.app_state = state


def relieve(world: World, grant: Grant) -> None:
    """Withdraw the authorisation: permanent code, codes and tokens of this company are dead at once."""
    grant.is_relieved = True
    grant.is_activated = False
    grant.permanent_code = ""
    for code in world.codes.values():
        if (code.suite_key, code.corp_id) == (grant.suite_key, grant.corp_id):
            code.is_spent = True
    world.tokens.end(corp_id=grant.corp_id, suite_key=grant.suite_key)


def is_user_in_scope(grant: Grant, *, company: Company, userid: str) -> bool:
    """Whether the app may see a person: named, or in a granted department or below one."""
    if userid in grant.scope.user_ids:
        return True
    return any(
        is_department_in_scope(grant, company=company, dept_id=dept_id)
        for dept_id in company.people[userid].dept_ids
    )


def is_department_in_scope(grant: Grant, *, company: Company, dept_id: int) -> bool:
    """Whether a department is granted, by itself or through one above it."""
    current: int | None = dept_id
    seen: set[int] = set()
    while current is not None and current not in seen:
        if current in grant.scope.dept_ids:
            return True
        seen.add(current)
        department = company.departments.get(current)
        current = department.parent_id if department else None
    return False


def _other_scope(scope: Scope, company: Company) -> Scope:
    below = [dept_id for dept_id in company.departments if dept_id != ROOT_DEPARTMENT]
    if scope.dept_ids == [ROOT_DEPARTMENT] and below:
        return Scope(dept_ids=below[:1], user_ids=[company.admin_userid])
    return Scope(dept_ids=[ROOT_DEPARTMENT], user_ids=[])
