"""`manage.py failed_pushes`: fetch what DingTalk could not push, and see when that was done last."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from dingtalk.foundation import audit
from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.models import Outage
from dingtalk.protocol.errors import DingTalkError
from tenants import failed_pushes, queries
from tenants.errors import TenantError, TenantNotFound
from tenants.models import FailedPushFetch, Tenant
from tenants.transitions import Overtaken

SHOWN = 20


class Command(BaseCommand):
    """Fetch a company's failed pushes into the inbox now, or say what was fetched lately."""

    help = "Fetch the events that DingTalk could not push, or say when that was done last."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="fetch | status")
        fetching = actions.add_parser("fetch", help="fetch a company's failed pushes now")
        fetching.add_argument("--suite", required=True, metavar="SUITE_KEY")
        fetching.add_argument("--corp", required=True, metavar="CORP_ID")
        actions.add_parser("status", help="list the last outages and fetches")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the action says."""
        if options["action"] == "status":
            self._show_status()
        else:
            self._fetch(_find(options["suite"], options["corp"]))

    def _fetch(self, tenant: Tenant) -> None:
        actor = Actor(kind=ActorKind.COMMAND, name=f"manage.py failed_pushes (uid {os.getuid()})")
        audit.record(action="tenant.fetch_failed_pushes", actor=actor, target=tenant, now=timezone.now())
        try:
            fetched = failed_pushes.fetch_now(tenant)
        except failed_pushes.AlreadyFetching as error:
            raise CommandError(_("Another process is fetching them at the moment.")) from error
        except (DingTalkError, TenantError, Overtaken) as error:
            raise CommandError(f"{type(error).__name__}: {error}") from error
        counts = {"entries": fetched.entries, "new": fetched.new}
        self.stdout.write(_("%(entries)s failed pushes were listed, %(new)s of them are new.") % counts)
        if fetched.has_more:
            self.stdout.write(_("There are more: a worker fetches them."))

    def _show_status(self) -> None:
        for outage in Outage.objects.all()[:SHOWN]:
            self.stdout.write(
                f"{outage.kind}: {outage.began_at:%Y-%m-%d %H:%M:%S} to "
                f"{outage.ended_at:%Y-%m-%d %H:%M:%S} UTC, followed up {outage.followed_up_at or '-'}"
            )
        fetches = FailedPushFetch.objects.select_related("tenant__suite", "tenant__corp")
        for fetch in fetches.exclude(tried_at=None)[:SHOWN]:
            self.stdout.write(
                f"{fetch.tenant.suite.suite_key} {fetch.tenant.corp.corp_id}: {fetch.tried_at}, "
                f"found {fetch.found}, error {fetch.last_error or '-'}"
            )


def _find(suite_key: str, corp_id: str) -> Tenant:
    try:
        return queries.get_shown_tenant(Tenant.objects.all(), suite_key=suite_key, corp_id=corp_id)
    except TenantNotFound as error:
        raise CommandError(_("No such tenant.")) from error
