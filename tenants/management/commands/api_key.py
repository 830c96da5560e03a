"""`manage.py api_key`: make, list and revoke the keys of tenant apps."""

import json
import os
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.foundation.text import visible
from dingtalk.models import Suite
from tenants import api_clients, api_keys
from tenants.models import ApiClient, ApiKey, Scope, Tenant
from tenants.proxy.paths import UnusablePattern
from tenants.proxy.wording import what_is_wrong_with

MAX_EXPIRES_DAYS = 3650


class Command(BaseCommand):
    """
    Make, list and revoke the API keys of tenant apps, and say what they may call through the proxy.

    `create` makes the app when there is none of that name; for one that there is, it makes a further key,
    so that a key can be replaced without an interruption.
    """

    help = _("Make, list and revoke the API keys of tenant apps.")

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(
            dest="action", required=True, metavar="create | list | proxy | revoke"
        )
        creating = actions.add_parser("create", help=_("make a key; it is printed this once"))
        _add_coverage(creating)
        listing = actions.add_parser("list", help=_("list all keys"))
        proxying = actions.add_parser("proxy", help=_("say which paths of DingTalk a key may call"))
        revoking = actions.add_parser("revoke", help=_("refuse a key from now on"))
        for action in (proxying, revoking):
            action.add_argument(
                "prefix", metavar="PREFIX", help=_("what stands between isv_ and the second _")
            )
        proxying.add_argument(
            "paths", metavar="PATH", nargs="*", help=_("all that it may call from now on; none: nothing")
        )
        for action in (creating, listing, proxying, revoking):
            action.add_argument("--json", action="store_true", help=_("print JSON"))

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the action says."""
        actions = {
            "create": self._create,
            "list": self._list,
            "proxy": self._proxy,
            "revoke": self._revoke,
        }
        try:
            actions[options["action"]](options)
        except UnusablePattern as error:
            raise CommandError(visible(what_is_wrong_with(error))) from error

    def _create(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        with transaction.atomic():
            client = _existing_client(options) or _new_client(options, now=now)
            key, text = api_keys.create_key(
                client=client,
                label=options["label"],
                expires_at=_expiry(options["expires_days"], now=now),
                proxy_paths=options["proxy_path"],
                now=now,
                actor=_actor(),
            )
        if options["json"]:
            self._print_json({**_described(key), "key": text})
            return
        self._print_key(key)
        self.stdout.write(text)
        self.stderr.write(_("Keep the key now: it is not shown again."))

    def _list(self, options: dict[str, Any]) -> None:
        keys = list(ApiKey.objects.select_related("client").prefetch_related("client__suites"))
        if options["json"]:
            self._print_json([_described(key) for key in keys])
            return
        for key in keys:
            self._print_key(key)
            self.stdout.write("")
        if not keys:
            self.stdout.write(_("There is no key yet: manage.py api_key create"))

    def _proxy(self, options: dict[str, Any]) -> None:
        key = _key(options["prefix"])
        is_news = api_keys.set_proxy_paths(key, options["paths"], now=timezone.now(), actor=_actor())
        if options["json"]:
            self._print_json({**_described(key), "changed_now": is_news})
        else:
            self._print_key(key)

    def _revoke(self, options: dict[str, Any]) -> None:
        key = _key(options["prefix"])
        is_news = api_keys.revoke_key(key, now=timezone.now(), actor=_actor())
        key.refresh_from_db(fields=["revoked_at"])
        if options["json"]:
            self._print_json({**_described(key), "revoked_now": is_news})
        else:
            self.stdout.write(_("Revoked.") if is_news else _("It was revoked before."))

    def _print_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False, indent=2))

    def _print_key(self, key: ApiKey) -> None:
        for name, value in _described(key).items():
            shown = ", ".join(value) if isinstance(value, list) else value
            self.stdout.write(f"{name:20} {visible(str(shown if shown is not None else '-'))}")


def _add_coverage(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help=_("name of the tenant app"))
    parser.add_argument("--label", default="", help=_("what this key is for"))
    parser.add_argument(
        "--suite",
        nargs="+",
        action="extend",
        default=[],
        metavar="SUITE_KEY",
        help=_("suites whose tenants the app sees"),
    )
    parser.add_argument(
        "--scope",
        nargs="+",
        action="extend",
        default=[],
        choices=Scope.values,
        help=_("what the app may do; tenants:read if not given"),
    )
    parser.add_argument(
        "--tenant",
        nargs="+",
        action="extend",
        default=[],
        metavar="SUITE_KEY:CORP_ID",
        help=_("only these tenants of the suites"),
    )
    parser.add_argument(
        "--proxy-path",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help=_("what the key may call at DingTalk: /topapi/v2/user/get, /topapi/v2/user/*, /v1.0/contact/**"),
    )
    parser.add_argument("--expires-days", type=int, metavar="N", help=_("refuse the key after so many days"))


def _key(prefix: str) -> ApiKey:
    key = ApiKey.objects.select_related("client").filter(prefix=prefix).first()
    if key is None:
        raise CommandError(_("No key has this prefix."))
    return key


def _existing_client(options: dict[str, Any]) -> ApiClient | None:
    client = ApiClient.objects.filter(name=options["name"]).first()
    if client is not None and (options["suite"] or options["scope"] or options["tenant"]):
        raise CommandError(
            _("There is an app of this name: for a further key leave out --suite, --scope and --tenant.")
        )
    return client


def _new_client(options: dict[str, Any], *, now: datetime) -> ApiClient:
    name = options["name"]
    if not 1 <= len(name) <= 100 or name != visible(name).strip():
        raise CommandError(_("A name has 1 to 100 visible characters."))
    suites = [_suite(suite_key) for suite_key in dict.fromkeys(options["suite"])]
    if not suites:
        raise CommandError(_("A new app needs --suite."))
    return api_clients.create_client(
        name=name,
        scopes=[Scope(scope) for scope in options["scope"]] or [Scope.TENANTS_READ],
        suites=suites,
        tenants=[_tenant(text, suites) for text in options["tenant"]] or None,
        now=now,
        actor=_actor(),
    )


def _suite(suite_key: str) -> Suite:
    suite = Suite.objects.filter(suite_key=suite_key).first()
    if suite is None:
        raise CommandError(_("No suite has the key %(key)s.") % {"key": visible(suite_key)})
    return suite


def _tenant(text: str, suites: list[Suite]) -> Tenant:
    # A suite key may hold a colon; a corp id does not.
    suite_key, _colon, corp_id = text.rpartition(":")
    tenant = Tenant.objects.filter(
        suite__in=suites, suite__suite_key=suite_key, corp__corp_id=corp_id
    ).first()
    if tenant is None:
        raise CommandError(_("%(name)s is no tenant of these suites.") % {"name": visible(text)})
    return tenant


def _expiry(days: int | None, *, now: datetime) -> datetime | None:
    if days is None:
        return None
    if not 1 <= days <= MAX_EXPIRES_DAYS:
        raise CommandError(_("--expires-days takes 1 to %(most)s.") % {"most": MAX_EXPIRES_DAYS})
    return now + timedelta(days=days)


def _described(key: ApiKey) -> dict[str, Any]:
    client = key.client
    return {
        "prefix": key.prefix,
        "client": client.name,
        "label": key.label,
        "scopes": client.scopes,
        "suites": sorted(suite.suite_key for suite in client.suites.all()),
        "covers_all_tenants": client.covers_all_tenants,
        "is_enabled": client.is_enabled,
        "proxy_paths": key.proxy_paths,
        "expires_at": _time(key.expires_at),
        "revoked_at": _time(key.revoked_at),
        "last_used_at": _time(key.last_used_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _actor() -> Actor:
    return Actor(kind=ActorKind.COMMAND, name=f"manage.py api_key (uid {os.getuid()})")
