"""Current tokens of suites and tenants."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.encrypted_fields import EncryptedTextField
from dingtalk.foundation.ids import new_id
from dingtalk.foundation.leases import Leased
from dingtalk.models import Suite
from tenants.models.tenant import Tenant


class TokenKind(models.TextChoices):
    """What a token is for."""

    CORP = "corp_access_token", _("corp access token")
    SUITE = "suite_access_token", _("suite access token")
    JSAPI = "jsapi_ticket", _("JSAPI ticket")
    SSO = "sso_token", _("SSO token")


class AccessToken(Leased):
    """
    The current token of one kind of one suite or tenant, and the lease of who renews it.

    A row without a token is a place where one will be. From `refresh_at` (jittered) on the token is
    renewed ahead, while callers still get it; `renewal_requested_at` is set while somebody wants that.
    `retry_at` is set while renewal fails: until then nobody asks DingTalk.
    `first_issued_at`: when this value was first issued, where renewal prolongs it (JSAPI tickets).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(_("kind"), max_length=24, choices=TokenKind)
    suite = models.ForeignKey(
        Suite, models.CASCADE, related_name="tokens", verbose_name=_("suite"), db_index=False
    )
    tenant = models.ForeignKey(
        Tenant,
        models.CASCADE,
        related_name="tokens",
        null=True,
        blank=True,
        verbose_name=_("tenant"),
        db_index=False,
    )
    token = EncryptedTextField(_("token"), null=True)
    first_issued_at = models.DateTimeField(_("first issued"), null=True, blank=True)
    issued_at = models.DateTimeField(_("issued"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    refresh_at = models.DateTimeField(_("renewed from"), null=True, blank=True)
    renewal_requested_at = models.DateTimeField(_("renewal requested"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    method = models.CharField(_("obtained by"), max_length=16, blank=True)
    fallback_reason = models.CharField(_("why not the first call"), max_length=200, blank=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    retry_at = models.DateTimeField(_("next try"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    last_error_code = models.CharField(_("last error code"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("access token")
        verbose_name_plural = _("access tokens")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind"], name="token_once_per_tenant", condition=Q(tenant__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["suite", "kind"], name="token_once_per_suite", condition=Q(tenant__isnull=True)
            ),
        ]
        indexes = [
            models.Index(fields=["refresh_at"], name="token_to_refresh", condition=Q(token__isnull=False)),
            models.Index(fields=["suite", "-id"], name="token_of_suite"),
            models.Index(
                fields=["kind", "-id"], name="token_of_rare_kind", condition=~Q(kind="corp_access_token")
            ),
            models.Index(
                fields=["renewal_requested_at"],
                name="token_renewal_due",
                condition=Q(renewal_requested_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.tenant_id or self.suite_id}"
