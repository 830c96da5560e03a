"""`manage.py corp_callback`: the callbacks that are registered for one company."""

import os
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from dingtalk.client import dingtalk_client
from dingtalk.client.callbacks import CallbackSettings
from dingtalk.foundation import audit
from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.protocol.errors import DingTalkError
from dingtalk.suites import callback_url
from tenants import queries
from tenants.errors import TenantError, TenantNotActive, TenantNotFound
from tenants.models import Tenant
from tenants.tokens import with_corp_access_token
from tenants.transitions import Overtaken


class Command(BaseCommand):
    """
    Register, show, change or remove a company's own callbacks.

    Only apps of the old HTTP push need this; the suite's callback settings in the console replace it. The
    address, token and key are those of the suite, so what is pushed arrives as its other events do.
    """

    help = "Register, show, change or remove the callbacks of one company (call_back/*, old HTTP push)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(
            dest="action", required=True, metavar="register | update | show | delete"
        )
        for name in ("register", "update"):
            action = actions.add_parser(name, help=f"{name} the callbacks for these events")
            _add_tenant(action)
            action.add_argument("tags", nargs="+", metavar="TAG", help="events: user_add_org, org_remove, …")
        _add_tenant(actions.add_parser("show", help="show what is registered"))
        _add_tenant(actions.add_parser("delete", help="remove what is registered"))

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make the call and say how it went."""
        tenant = _find(options["suite"], options["corp"])
        action = options["action"]
        if action != "show":
            _record(tenant, action, options.get("tags", []))
        try:
            settings = _call(tenant, action, options.get("tags", []))
        except (DingTalkError, TenantError, Overtaken) as error:
            raise CommandError(f"{type(error).__name__}: {error}") from error
        if settings is None:
            self.stdout.write(_("Done."))
        else:
            self.stdout.write(f"{settings.url}\n{', '.join(settings.tags)}")


def _add_tenant(parser: ArgumentParser) -> None:
    parser.add_argument("--suite", required=True, metavar="SUITE_KEY")
    parser.add_argument("--corp", required=True, metavar="CORP_ID")


def _find(suite_key: str, corp_id: str) -> Tenant:
    try:
        return queries.get_shown_tenant(Tenant.objects.all(), suite_key=suite_key, corp_id=corp_id)
    except TenantNotFound as error:
        raise CommandError(_("No such tenant.")) from error


def _record(tenant: Tenant, action: str, tags: list[str]) -> None:
    actor = Actor(kind=ActorKind.COMMAND, name=f"manage.py corp_callback (uid {os.getuid()})")
    now = timezone.now()
    audit.record(
        action=f"tenant.{action}_callback", actor=actor, target=tenant, details={"tags": tags}, now=now
    )


def _call(tenant: Tenant, action: str, tags: list[str]) -> CallbackSettings | None:
    if not tenant.is_active:
        raise TenantNotActive(
            suite_key=tenant.suite.suite_key, corp_id=tenant.corp.corp_id, state=tenant.state
        )
    client, wanted = dingtalk_client(), _settings(tenant, tags)
    calls: dict[str, Callable[[str], CallbackSettings | None]] = {
        "register": lambda token: client.register_call_back(wanted, corp_access_token=token),
        "update": lambda token: client.update_call_back(wanted, corp_access_token=token),
        "delete": lambda token: client.delete_call_back(corp_access_token=token),
        "show": lambda token: client.get_call_back(corp_access_token=token),
    }
    return with_corp_access_token(tenant, calls[action])


def _settings(tenant: Tenant, tags: list[str]) -> CallbackSettings:
    suite = tenant.suite
    return CallbackSettings(
        tags=tags,
        url=callback_url(suite),
        token=suite.callback_token,
        aes_key=suite.encoding_aes_key,
    )
