"""How the admin looks: its name, colours, languages, and what stands in its sidebar."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _may_see(app: str, model: str) -> Callable[[HttpRequest], bool]:
    def is_allowed(request: HttpRequest) -> bool:
        permissions = (f"{app}.view_{model}", f"{app}.change_{model}")
        return any(request.user.has_perm(permission) for permission in permissions)

    return is_allowed


def _entry(title: Any, icon: str, app: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": _may_see(app, model),
    }


UNFOLD = {
    "SITE_TITLE": "ISV Portal",
    "SITE_HEADER": "ISV Portal",
    "SITE_SUBHEADER": _("Backend for DingTalk ISVs"),
    "SITE_SYMBOL": "hub",
    "SITE_URL": reverse_lazy("admin:index"),
    "STYLES": [lambda _request: static("foundation/admin.css")],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.604)",
            "100": "oklch(93.2% .032 255.585)",
            "200": "oklch(88.2% .059 254.128)",
            "300": "oklch(80.9% .105 251.813)",
            "400": "oklch(70.7% .165 254.624)",
            "500": "oklch(62.3% .214 259.815)",
            "600": "oklch(54.6% .245 262.881)",
            "700": "oklch(48.8% .243 264.376)",
            "800": "oklch(42.4% .199 265.638)",
            "900": "oklch(37.9% .146 265.522)",
            "950": "oklch(28.2% .091 267.935)",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "title": _("Companies"),
                "items": [
                    _entry(_("Tenants"), "apartment", "tenants", "tenant"),
                    _entry(_("Access tokens"), "token", "tenants", "accesstoken"),
                    _entry(_("Work notifications"), "send", "tenants", "notification"),
                ],
            },
            {
                "title": _("DingTalk"),
                "separator": True,
                "items": [
                    _entry(_("Suites"), "widgets", "dingtalk", "suite"),
                    _entry(_("Received events"), "inbox", "dingtalk", "receivedevent"),
                    _entry(_("Received pushes"), "mail", "dingtalk", "receivedpush"),
                    _entry(_("Refused callbacks"), "block", "dingtalk", "callbackrefusal"),
                    _entry(_("Suite tickets"), "confirmation_number", "dingtalk", "suiteticket"),
                    _entry(_("Stream connections"), "cable", "dingtalk", "streamconnection"),
                    _entry(_("Push tables"), "database", "dingtalk", "rdsposition"),
                    _entry(_("Outages"), "power_off", "dingtalk", "outage"),
                    _entry(_("Processes"), "monitor_heart", "dingtalk", "processheartbeat"),
                    _entry(_("Failed pushes"), "assignment_return", "tenants", "failedpushfetch"),
                ],
            },
            {
                "title": _("REST API"),
                "separator": True,
                "items": [
                    _entry(_("API clients"), "smart_toy", "tenants", "apiclient"),
                    _entry(_("API keys"), "key", "tenants", "apikey"),
                ],
            },
            {
                "title": _("Administration"),
                "separator": True,
                "items": [
                    _entry(_("Audit trail"), "history", "foundation", "auditentry"),
                    _entry(_("Users"), "person", "auth", "user"),
                    _entry(_("Groups"), "group", "auth", "group"),
                ],
            },
        ],
    },
}
