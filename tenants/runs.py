"""
A run of reconcile on one tenant: the row as it was read, and how it is written while the run holds the lease.

The row is read when the run begins, and again when it may be another one by now. What the run writes stands
in both, so that a step that asks nobody needs no further look; before DingTalk is asked again there is one.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils import timezone

from dingtalk.foundation.leases import DatabaseNow, extend_lease, holds_lease
from dingtalk.tickets import newest_ticket_id
from tenants import code_exchange
from tenants.models import Tenant, TenantState, TmpAuthCode
from tenants.transitions import Overtaken, change_state

# Longer than a step takes, even with a call that times out; a run that is slower still is fenced off.
LEASE_SECONDS = 90
# What is left is still longer than a step takes.
_LEASE_ENDS_SOON = ExpressionWrapper(
    Q(lease_until__lt=DatabaseNow() + timedelta(seconds=60)), output_field=BooleanField()
)


@dataclass
class Run:
    """
    One run, as it is before a step.

    `epoch`: of the lease. `ticket_id`: which ticket was the suite's newest when the run began; one that comes
    during the run is newer, so that a run that parks has another look. `has_token`: it was seen to by this
    run. `is_outdated`: the row was written past this object, or is known to be another.
    """

    tenant: Tenant
    epoch: int
    ticket_id: UUID | None = None
    has_token: bool = False
    is_outdated: bool = False
    _is_just_read: bool = field(default=True, repr=False)

    @classmethod
    def begin(cls, tenant_id: UUID, epoch: int) -> "Run | None":
        """Read all that a run needs; None when the lease is gone."""
        rows = Tenant.objects.select_related("suite", "corp").order_by()
        tenant = rows.filter(holds_lease(epoch), pk=tenant_id).first()
        return None if tenant is None else cls(tenant, epoch, newest_ticket_id(tenant.suite_id))

    def read_again(self) -> "Run | None":
        """Read the row again, but not suite and company, which change seldom; None when the lease is gone."""
        rows = Tenant.objects.filter(holds_lease(self.epoch), pk=self.tenant.pk).order_by()
        tenant = rows.annotate(lease_ends_soon=_LEASE_ENDS_SOON).first()
        if tenant is None:
            return None
        self._keep_lease(ends_soon=tenant.lease_ends_soon)
        tenant.suite, tenant.corp = self.tenant.suite, self.tenant.corp
        return Run(tenant, self.epoch, self.ticket_id)

    @property
    def is_current(self) -> Q:
        """What must still be true of the row when a step writes its result."""
        return holds_lease(self.epoch) & Q(generation=self.tenant.generation)

    @property
    def is_undisturbed(self) -> Q:
        """What is true as long as nobody asks anything of the tenant: whoever does sets the date anew."""
        return self.is_current & Q(next_reconcile_at=self.tenant.next_reconcile_at)

    @cached_property
    def has_unsettled_codes(self) -> bool:
        """Whether a temporary code waits to be exchanged, or an exchange has had no answer."""
        return code_exchange.has_unsettled_codes(self.tenant)

    def pending_code(self) -> TmpAuthCode | None:
        """Return the temporary code to be exchanged next."""
        return code_exchange.pending_code(self.tenant) if self.has_unsettled_codes else None

    def look_before_asking(self) -> None:
        """
        See that nothing was asked of the tenant since its row was read, and that the lease lasts for a call.

        Raises Overtaken. A row that was read a moment ago needs no second look.
        """
        if self._is_just_read:
            self._is_just_read = False
            return
        rows = Tenant.objects.filter(self.is_undisturbed, pk=self.tenant.pk).order_by()
        ends_soon = rows.values_list(_LEASE_ENDS_SOON, flat=True).first()
        if ends_soon is None:
            raise Overtaken
        self._keep_lease(ends_soon=ends_soon)

    def lock_undisturbed(self) -> Tenant:
        """
        Return the row, locked, for an answer to be stored in the same transaction.

        Raises Overtaken when anything was asked of the tenant since: it may be newer than the answer.
        """
        self.is_outdated = True
        rows = Tenant.objects.select_related("suite", "corp").select_for_update(of=("self",))
        tenant = rows.filter(self.is_undisturbed, pk=self.tenant.pk).first()
        if tenant is None:
            raise Overtaken
        return tenant

    def write(self, **columns: Any) -> None:
        """Write columns unless this run was overtaken."""
        rows = Tenant.objects.filter(self.is_current, pk=self.tenant.pk)
        if not rows.update(updated_at=timezone.now(), **columns):
            raise Overtaken
        for column, value in columns.items():
            setattr(self.tenant, column, value)

    def move(self, to_state: TenantState, *, reason: str, **columns: Any) -> None:
        """Change the state unless this run was overtaken."""
        change_state(
            self.tenant,
            to_state,
            reason=reason,
            now=timezone.now(),
            unless_overtaken=self.is_current,
            **columns,
        )

    def settle(self, **columns: Any) -> bool:
        """
        Write how the run ended and give back the lease; False, with nothing written, when it has to go on.

        It has to when anything was asked of the tenant meanwhile.
        """
        rows = Tenant.objects.filter(self.is_undisturbed, pk=self.tenant.pk)
        is_settled = rows.update(updated_at=timezone.now(), dispatched_at=None, lease_until=None, **columns)
        self.is_outdated = not is_settled
        return bool(is_settled)

    def _keep_lease(self, *, ends_soon: bool) -> None:
        """Prolong the lease; not before each step, for it is a commit, and most runs are over long before."""
        if ends_soon:
            extend_lease(Tenant.objects.all(), self.tenant.pk, self.epoch, seconds=LEASE_SECONDS)
