"""The ISV's own apps that call the REST API, and their keys."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.ids import new_id
from dingtalk.models import Suite
from tenants.models.tenant import Tenant


class Scope(models.TextChoices):
    """What a tenant app may do."""

    TENANTS_READ = "tenants:read", _("read tenants")
    TOKENS_READ = "tokens:read", _("read access tokens")
    TOKENS_RENEW = "tokens:renew", _("have access tokens renewed")
    JSAPI_SIGN = "jsapi:sign", _("sign JSAPI configurations")
    LOGIN = "login", _("log people in")
    CONTACTS_READ = "contacts:read", _("read contacts")
    MESSAGES_SEND = "messages:send", _("send work notifications")
    PROXY = "proxy", _("call DingTalk through the proxy")
    EVENTS_READ = "events:read", _("read events")


class ApiClient(models.Model):
    """
    One tenant app: its scopes, and the suites and tenants that it may see.

    It sees the tenants of its suites: all of them, or only the named ones.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=100, unique=True)
    scopes = models.JSONField(_("scopes"), default=list)
    suites = models.ManyToManyField(Suite, related_name="api_clients", verbose_name=_("suites"), blank=True)
    covers_all_tenants = models.BooleanField(_("all tenants of these suites"), default=True)
    tenants = models.ManyToManyField(
        Tenant, related_name="api_clients", verbose_name=_("only these tenants"), blank=True
    )
    is_enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """
    One key `isv_<prefix>_<secret>` of a tenant app. Only a SHA-256 of the 256-bit secret is stored.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client = models.ForeignKey(ApiClient, models.CASCADE, related_name="keys", verbose_name=_("API client"))
    label = models.CharField(_("label"), max_length=100, blank=True)
    prefix = models.CharField(_("prefix"), max_length=16, unique=True, editable=False)
    secret_digest = models.CharField(_("digest of the secret"), max_length=64, editable=False)
    proxy_paths = models.JSONField(
        _("proxy paths"),
        default=list,
        blank=True,
        help_text=_("Which paths of DingTalk's API this key may call through the proxy."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"isv_{self.prefix}_…"
