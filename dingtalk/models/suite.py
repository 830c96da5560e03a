"""The apps that the ISV publishes at DingTalk, with their secrets."""

import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from dingtalk.foundation.encrypted_fields import EncryptedTextField
from dingtalk.foundation.ids import new_id


def new_path_slug() -> str:
    """Return the random part of a suite's callback URL: 160 bits that nobody can guess."""
    return secrets.token_hex(20)


class PushMode(models.TextChoices):
    """How DingTalk delivers a suite's events. Source: configure-synchttp-push, http-callback-overview."""

    SYNC_HTTP = "sync_http", _("SyncHTTP")
    HTTP = "http", _("HTTP (legacy)")
    STREAM = "stream", _("Stream")
    RDS = "rds", _("RDS (cloud push)")


class SuiteKind(models.TextChoices):
    """A third-party app of the market, or one customised for a company (定制应用), which needs no ticket."""

    SUITE = "suite", _("third-party app (suite)")
    CUSTOM_APP = "custom_app", _("customised app")


class Activation(models.TextChoices):
    """Whether we activate the suite for a newly authorised company. Source: activate-suite."""

    AUTO = "auto", _("automatic: required under legacy HTTP, attempted otherwise")
    ALWAYS = "always", _("always required")
    NEVER = "never", _("never")


class CorpTokenMethod(models.TextChoices):
    """The call that is tried first for a corp access token; the others are the fallback."""

    V1 = "v1", _("v1.0 corpAccessToken")
    SIGNED = "signed", _("signed service/get_corp_token")
    UNIFIED = "unified", _("v1.0 {corpId}/token")


class Generation(models.TextChoices):
    """Which of the two generations of a call is tried first; the other one is the fallback."""

    V1 = "v1", _("v1.0 call")
    OLD = "old", _("old call")


class Suite(models.Model):
    """
    One app that the ISV publishes at DingTalk.

    Each secret has a previous value that still works until its end time, for rotation. `version` grows
    with every change, so that a process that keeps the secrets decrypted notices that its copy is old.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=100)
    suite_id = models.CharField(_("suite id"), max_length=64, blank=True)
    suite_key = models.CharField(_("suite key"), max_length=128, unique=True)
    push_mode = models.CharField(_("push mode"), max_length=16, choices=PushMode, default=PushMode.SYNC_HTTP)
    activation = models.CharField(_("activation"), max_length=16, choices=Activation, default=Activation.AUTO)
    corp_token_method = models.CharField(
        _("corp token call"), max_length=16, choices=CorpTokenMethod, default=CorpTokenMethod.V1
    )
    kind = models.CharField(_("kind"), max_length=16, choices=SuiteKind, default=SuiteKind.SUITE)
    suite_token_method = models.CharField(
        _("suite token call"), max_length=16, choices=Generation, default=Generation.OLD
    )
    jsapi_ticket_method = models.CharField(
        _("JSAPI ticket call"), max_length=16, choices=Generation, default=Generation.V1
    )
    js_domains = models.TextField(
        _("domains of its pages"),
        blank=True,
        help_text=_("One a line. JSAPI configurations are signed for pages on these domains only."),
    )
    freshness_window_seconds = models.PositiveIntegerField(
        _("freshness window"),
        null=True,
        blank=True,
        help_text=_("Seconds. Callbacks with an older or later timestamp are refused. Empty: none is."),
    )
    isv_corp_id = models.CharField(
        _("our own corp id"), max_length=64, blank=True, help_text=_("For sign-in from the admin console.")
    )
    path_slug = models.CharField(
        _("path slug"), max_length=64, unique=True, default=new_path_slug, editable=False
    )
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)

    suite_secret = EncryptedTextField(_("suite secret"))
    suite_secret_previous = EncryptedTextField(_("previous suite secret"), null=True, blank=True)
    suite_secret_previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    suite_secret_previous_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    callback_token = EncryptedTextField(_("callback token"))
    callback_token_previous = EncryptedTextField(_("previous callback token"), null=True, blank=True)
    callback_token_previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    callback_token_previous_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    encoding_aes_key = EncryptedTextField(_("EncodingAESKey"))
    encoding_aes_key_previous = EncryptedTextField(_("previous EncodingAESKey"), null=True, blank=True)
    encoding_aes_key_previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    encoding_aes_key_previous_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    sso_secret = EncryptedTextField(_("SSO secret"), null=True, blank=True)

    callback_verified_at = models.DateTimeField(
        _("callback URL verified"), null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("suite")
        verbose_name_plural = _("suites")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name or self.suite_key

    @property
    def callback_path(self) -> str:
        """The path of the callback URL below PUBLIC_BASE_URL."""
        return f"/callback/{self.path_slug}/"
