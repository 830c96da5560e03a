"""
What is read of tenants.

`visible_tenants` is the only way by which a view reaches them; a test refuses any other.
"""

from django.db.models import QuerySet

from dingtalk.models import Suite
from tenants.errors import SuiteNotFound, TenantNotFound
from tenants.identifiers import is_corp_id, is_suite_key
from tenants.models import ApiClient, Tenant, TenantTransition

MAX_SHOWN_TRANSITIONS = 20

# Neither a secret nor its ciphertext leaves the database for a page that shows a tenant.
_SHOWN = (
    *("state", "waiting_for", "agents", "auth_scope", "auth_user_id", "activation_note"),
    *("grant_time", "authorized_at", "activated_at", "relieved_at", "created_at", "updated_at"),
    *("last_error", "last_error_code", "attempts", "next_reconcile_at", "generation", "agent_switches"),
    *("suite__suite_key", "suite__name"),
    *("corp__corp_id", "corp__name", "corp__full_name", "corp__industry", "corp__logo_url"),
    *("corp__auth_level", "corp__is_authenticated"),
)


def visible_tenants(client: ApiClient) -> QuerySet[Tenant]:
    """Return the tenants that a tenant app may see: those of its suites, or the named ones of these."""
    tenants = Tenant.objects.filter(suite__in=client.suites.all())
    if client.covers_all_tenants:
        return tenants
    return tenants.filter(pk__in=client.tenants.all())


def no_tenants() -> QuerySet[Tenant]:
    """Return a query that finds nothing, for what only wants to know the model."""
    return Tenant.objects.none()


def shown(tenants: QuerySet[Tenant]) -> QuerySet[Tenant]:
    """Return the same tenants with their companies and suites, without any secret, by one query."""
    return tenants.select_related("suite", "corp").only(*_SHOWN)


def get_visible_tenant(client: ApiClient, *, suite_key: str, corp_id: str) -> Tenant:
    """Return one tenant to be shown; raises TenantNotFound, also when the app may not see it."""
    return get_shown_tenant(visible_tenants(client), suite_key=suite_key, corp_id=corp_id)


def get_shown_tenant(tenants: QuerySet[Tenant], *, suite_key: str, corp_id: str) -> Tenant:
    """Return one of `tenants` to be shown; raises TenantNotFound."""
    if not (is_suite_key(suite_key) and is_corp_id(corp_id)):
        raise TenantNotFound(suite_key=suite_key, corp_id=corp_id)
    tenant = shown(tenants).filter(suite__suite_key=suite_key, corp__corp_id=corp_id).first()
    if tenant is None:
        raise TenantNotFound(suite_key=suite_key, corp_id=corp_id)
    return tenant


def no_transitions() -> QuerySet[TenantTransition]:
    """Return a query that finds nothing, for what only wants to know the model."""
    return TenantTransition.objects.none()


def visible_transitions(client: ApiClient, *, suite_key: str, corp_id: str) -> QuerySet[TenantTransition]:
    """Return all moves of one tenant's state; raises TenantNotFound, also when the app may not see it."""
    tenant = get_visible_tenant(client, suite_key=suite_key, corp_id=corp_id)
    return TenantTransition.objects.filter(tenant=tenant)


def newest_transitions(tenant: Tenant) -> list[TenantTransition]:
    """Return the last moves of a tenant's state, the newest first, at most 20."""
    return list(tenant.transitions.all()[:MAX_SHOWN_TRANSITIONS])


def find_fully_covered_suite(client: ApiClient, *, suite_key: str) -> Suite | None:
    """Return the suite of that key if the tenant app may see each tenant of it, known to us or not."""
    if not client.covers_all_tenants:
        return None
    return client.suites.filter(suite_key=suite_key).first()


def get_covered_suite(client: ApiClient, *, suite_key: str) -> Suite:
    """Return a suite of the tenant app; raises SuiteNotFound, also when it is another app's."""
    suite = client.suites.filter(suite_key=suite_key).first() if is_suite_key(suite_key) else None
    if suite is None:
        raise SuiteNotFound
    return suite
