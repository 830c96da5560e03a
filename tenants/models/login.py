"""Logins that have begun in a browser, and the tokens of people who have logged in."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.encrypted_fields import EncryptedTextField
from dingtalk.foundation.ids import new_id
from dingtalk.foundation.leases import Leased
from dingtalk.models import Suite
from tenants.models.api_client import ApiClient
from tenants.models.tenant import Tenant


class LoginState(models.Model):
    """
    One login that a tenant app began: the `state` that the browser has to bring back, as a SHA-256.

    It works once, for that app and suite. `corp_id`: the company that was asked for, empty for any.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    client = models.ForeignKey(ApiClient, models.CASCADE, verbose_name=_("API client"))
    suite = models.ForeignKey(Suite, models.CASCADE, verbose_name=_("suite"))
    redirect_uri = models.TextField(_("redirect address"))
    corp_id = models.CharField(_("corp id"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    class Meta:
        verbose_name = _("login state")
        verbose_name_plural = _("login states")
        ordering = ["-id"]
        indexes = [models.Index(fields=["expires_at"], name="login_state_age")]

    def __str__(self) -> str:
        return str(self.id)


class UserToken(Leased):
    """
    What speaks for a person who logged in, for one tenant app in one company; its id is the app's `session`.

    A person who logs in again replaces it. It goes with the company's authorisation. `refresh_token` is null
    when DingTalk gave none. Source: obtain-user-token.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client = models.ForeignKey(
        ApiClient, models.CASCADE, related_name="user_tokens", verbose_name=_("API client"), db_index=False
    )
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="user_tokens", verbose_name=_("tenant"))
    union_id = models.CharField(_("union id"), max_length=64)
    user_id = models.CharField(_("user id"), max_length=64, blank=True)
    access_token = EncryptedTextField(_("token"))
    refresh_token = EncryptedTextField(_("refresh token"), null=True)
    expires_at = models.DateTimeField(_("expires"))
    refresh_expires_at = models.DateTimeField(_("can be renewed until"))
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("user token")
        verbose_name_plural = _("user tokens")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "tenant", "union_id"], name="user_token_once_per_person"
            )
        ]
        indexes = [models.Index(fields=["refresh_expires_at"], name="user_token_age")]

    def __str__(self) -> str:
        return str(self.id)

    def lasts(self, *, seconds: int, now: datetime) -> bool:
        """Tell whether the token has at least that many seconds left."""
        return (self.expires_at - now).total_seconds() >= seconds
