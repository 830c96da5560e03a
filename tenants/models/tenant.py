"""Companies, their authorisation of our suites, and the history of it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.encrypted_fields import EncryptedTextField
from dingtalk.foundation.ids import new_id
from dingtalk.foundation.leases import Leased
from dingtalk.foundation.text import visible
from dingtalk.models import Suite


class AuthCorp(models.Model):
    """One company, as DingTalk last told us about it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    corp_id = models.CharField(_("corp id"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    full_name = models.CharField(_("full name"), max_length=200, blank=True)
    industry = models.CharField(_("industry"), max_length=200, blank=True)
    logo_url = models.CharField(_("logo"), max_length=500, blank=True)
    auth_level = models.IntegerField(_("verification level"), null=True, blank=True)
    is_authenticated = models.BooleanField(_("verified"), null=True, blank=True)
    profile_time = models.DateTimeField(_("profile as of"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        ordering = ["-id"]

    def __str__(self) -> str:
        return visible(self.name) or self.corp_id


class TenantState(models.TextChoices):
    """Where a company's authorisation of a suite stands; the diagram is in docs/architecture.md."""

    AUTHORIZING = "authorizing", _("authorizing")
    ACTIVATING = "activating", _("activating")
    ACTIVE = "active", _("active")
    STOPPED = "stopped", _("stopped by the company")
    RELIEVED = "relieved", _("authorisation withdrawn")
    NEEDS_REAUTH = "needs_reauth", _("must authorise again")
    FAILED = "failed", _("failed")


# Where nothing is left to do unless something new is asked.
CONVERGED_STATES = (TenantState.ACTIVE, TenantState.STOPPED, TenantState.RELIEVED)


def is_unfinished() -> Q:
    """Match tenants that have something left to do."""
    return ~Q(state__in=CONVERGED_STATES) | Q(grant_unconfirmed=True) | Q(auth_info_due=True)


class WaitingFor(models.TextChoices):
    """What a tenant that has not converged waits for."""

    NOTHING = "", _("nothing")
    SUITE_TICKET = "suite_ticket", _("a suite ticket")
    NEW_CODE = "new_code", _("a new authorisation code")
    RETRY = "retry", _("the next try")
    OPERATOR = "operator", _("an operator")


class Tenant(Leased):
    """
    One company on one suite. Never deleted: a withdrawn authorisation leaves its row as a tombstone.

    `grant_time` is the platform time of the newest authorisation state; nothing older changes the row.
    `withdrawal_time` is that of the newest withdrawal: the switches of an app from before it are over.
    `generation` grows whenever the authorisation begins or ends, so that work that was overtaken
    discards its result. `next_reconcile_at` is set while something is left to do.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    suite = models.ForeignKey(
        Suite, models.PROTECT, related_name="tenants", verbose_name=_("suite"), db_index=False
    )
    corp = models.ForeignKey(AuthCorp, models.PROTECT, related_name="tenants", verbose_name=_("company"))
    state = models.CharField(_("state"), max_length=16, choices=TenantState, default=TenantState.AUTHORIZING)
    generation = models.PositiveIntegerField(_("generation"), default=1, editable=False)
    permanent_code = EncryptedTextField(_("permanent code"), null=True)

    agents = models.JSONField(_("agents"), default=list, blank=True)
    agent_switches = models.JSONField(_("switches of the agents"), default=dict, blank=True)
    auth_scope = models.JSONField(_("authorised scope"), null=True, blank=True)
    auth_user_id = models.CharField(_("authorised by"), max_length=64, blank=True)

    grant_time = models.DateTimeField(_("authorisation as of"), null=True, blank=True)
    authorized_at = models.DateTimeField(_("authorised"), null=True, blank=True)
    activated_at = models.DateTimeField(_("activated"), null=True, blank=True)
    activation_note = models.CharField(_("activation note"), max_length=300, blank=True)
    relieved_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    withdrawal_time = models.DateTimeField(_("withdrawal as of"), null=True, blank=True)

    auth_info_due = models.BooleanField(_("auth info to be fetched"), default=False)
    auth_scope_due = models.BooleanField(_("scope to be fetched"), default=False)
    grant_unconfirmed = models.BooleanField(_("authorisation to be confirmed"), default=False)

    waiting_for = models.CharField(
        _("waiting for"), max_length=16, choices=WaitingFor, blank=True, default=""
    )
    next_reconcile_at = models.DateTimeField(_("next reconcile"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    last_error_code = models.CharField(_("last error code"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["suite", "corp"], name="tenant_once_per_suite_and_corp"),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in TenantState]), name="tenant_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="relieved") | Q(permanent_code=None), name="relieved_tenant_keeps_no_code"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_reconcile_at"], name="tenant_due", condition=Q(next_reconcile_at__isnull=False)
            ),
            models.Index(
                fields=["suite", "dispatched_at"],
                name="tenant_dispatched",
                condition=Q(dispatched_at__isnull=False),
            ),
            models.Index(
                fields=["suite", "waiting_for"], name="tenant_waiting", condition=~Q(waiting_for="")
            ),
            models.Index(fields=["suite", "-id"], name="tenant_of_suite"),
            models.Index(fields=["state", "-id"], name="tenant_by_state"),
            models.Index(fields=["waiting_for", "-id"], name="tenant_by_wait", condition=~Q(waiting_for="")),
            models.Index(fields=["updated_at"], name="tenant_changed"),
            models.Index(
                fields=["updated_at"],
                name="tenant_unfinished",
                condition=is_unfinished() & Q(next_reconcile_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.corp} · {self.suite}"

    @property
    def is_active(self) -> bool:
        """Whether calls may be made in this tenant's name."""
        return self.state == TenantState.ACTIVE

    @property
    def is_stopped_by_company(self) -> bool:
        """Whether the company has switched off every agent of this suite that we know of."""
        known = {str(agent["agent_id"]) for agent in self.agents} or set(self.agent_switches)
        return bool(known) and all(self.agent_switches.get(agent, {}).get("stopped") for agent in known)


class TenantTransition(models.Model):
    """One change of a tenant's state: when, by DingTalk's time too where it has one, and why."""

    tenant = models.ForeignKey(
        Tenant, models.CASCADE, related_name="transitions", verbose_name=_("tenant"), db_index=False
    )
    at = models.DateTimeField(_("at"))
    platform_time = models.DateTimeField(_("platform time"), null=True, blank=True)
    from_state = models.CharField(_("from"), max_length=16, choices=TenantState, blank=True)
    to_state = models.CharField(_("to"), max_length=16, choices=TenantState)
    generation = models.PositiveIntegerField(_("generation"))
    reason = models.CharField(_("reason"), max_length=300)

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["tenant", "-at", "-id"], name="transition_of_tenant")]

    def __str__(self) -> str:
        return f"{self.from_state or '∅'} → {self.to_state}"
