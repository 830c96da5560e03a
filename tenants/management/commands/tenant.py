"""`manage.py tenant`: look at tenants, have them reconciled, take over those that there were before."""

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dingtalk.foundation import audit
from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.foundation.text import visible
from tenants import imports, queries, waking
from tenants.api.serializers import TenantDetailSerializer, TenantSerializer
from tenants.errors import TenantNotFound
from tenants.import_files import FORMATS, ImportRow, UnreadableFile, format_of, read_rows
from tenants.imports import ImportPlan
from tenants.models import Tenant, TenantState

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_LISTED = 1000
_FILTERS = {"suite": "suite__suite_key", "corp": "corp__corp_id", "state": "state"}


class Command(BaseCommand):
    """
    Look at tenants, have them reconciled, and import those that authorised a suite before.

    Exit code 1: a row of the file is wrong (nothing was imported), or there is no such tenant.
    """

    help = _("Look at tenants, have them reconciled, import those that authorised a suite before.")

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(
            dest="action", required=True, metavar="import | list | show | reconcile"
        )
        importing = actions.add_parser("import", help=_("take over companies with their permanent codes"))
        importing.add_argument(
            "file", metavar="FILE", help=_("columns suite, corp_id, permanent_code; - reads standard input")
        )
        importing.add_argument("--format", choices=FORMATS, help=_("csv unless the name ends in .json"))
        importing.add_argument("--dry-run", action="store_true", help=_("check only, write nothing"))
        listing = actions.add_parser("list", help=_("list tenants, the newest first"))
        _add_filters(listing)
        listing.add_argument("--limit", type=int, default=50, metavar="N")
        showing = actions.add_parser("show", help=_("show one tenant with its history"))
        showing.add_argument("suite_key", metavar="SUITE_KEY")
        showing.add_argument("corp_id", metavar="CORP_ID")
        reconciling = actions.add_parser("reconcile", help=_("have tenants reconciled now"))
        _add_filters(reconciling)
        reconciling.add_argument("--all", action="store_true", help=_("every tenant"))
        for action in (importing, listing, showing, reconciling):
            action.add_argument("--json", action="store_true", help=_("print JSON"))

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the action says."""
        actions = {
            "import": self._import,
            "list": self._list,
            "show": self._show,
            "reconcile": self._reconcile,
        }
        actions[options["action"]](options)

    def _import(self, options: dict[str, Any]) -> None:
        plan = imports.plan_import(_rows(options))
        imported = 0
        if not plan.problems and not options["dry_run"]:
            with _progress(len(plan.entries), is_shown=not options["json"]) as progress:
                imported = imports.carry_out(plan, now=timezone.now(), actor=_actor(), progress=progress)
        if options["json"]:
            self._print_json(_reported(plan, imported=imported, dry_run=options["dry_run"]))
        else:
            self._print_import(plan, imported=imported, dry_run=options["dry_run"])
        if plan.problems:
            raise SystemExit(1)

    def _print_import(self, plan: ImportPlan, *, imported: int, dry_run: bool) -> None:
        for problem in plan.problems:
            where = _("row %(row)s") % {"row": problem.row}
            self.stderr.write(f"{where}: {problem.column} {visible(problem.message)}".replace(":  ", ": "))
        counts = {"rows": len(plan.entries), "known": plan.known, "problems": len(plan.problems)}
        if plan.problems:
            self.stderr.write(_("%(problems)s problems: nothing was imported.") % counts)
            return
        self.stdout.write(_("%(rows)s rows are right; %(known)s of them are tenants already.") % counts)
        if dry_run:
            self.stdout.write(_("Dry run: nothing was written."))
        else:
            self.stdout.write(_("%(imported)s imported; DingTalk is being asked.") % {"imported": imported})

    def _list(self, options: dict[str, Any]) -> None:
        if not 1 <= options["limit"] <= MAX_LISTED:
            raise CommandError(_("--limit takes 1 to %(most)s.") % {"most": MAX_LISTED})
        tenants = queries.shown(_filtered(options)).order_by("-id")
        described = [TenantSerializer(tenant).data for tenant in tenants[: options["limit"]]]
        if options["json"]:
            self._print_json(described)
            return
        for tenant in described:
            waiting = tenant["waiting_for"] or "-"
            name = visible(tenant["corp"]["name"])
            self.stdout.write(
                f"{tenant['suite_key']:24} {tenant['corp_id']:24} {tenant['state']:12} {waiting:14} {name}"
            )

    def _show(self, options: dict[str, Any]) -> None:
        try:
            tenant = queries.get_shown_tenant(
                Tenant.objects.all(), suite_key=options["suite_key"], corp_id=options["corp_id"]
            )
        except TenantNotFound as error:
            raise CommandError(_("No such tenant.")) from error
        described = TenantDetailSerializer(tenant).data
        if options["json"]:
            self._print_json(described)
            return
        for name, value in described.items():
            shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
            self.stdout.write(f"{name:18} {visible(str(shown if shown not in (None, '') else '-'))}")

    def _reconcile(self, options: dict[str, Any]) -> None:
        filters = {name: options[name] for name in _FILTERS if options[name] is not None}
        if bool(filters) == options["all"]:
            raise CommandError(_("Say which tenants by --suite, --corp and --state, or --all."))
        wanted = _request_reconcile(_filtered(options), details=filters)
        if options["json"]:
            self._print_json({"requested": wanted})
        else:
            self.stdout.write(_("%(count)s tenants will be reconciled.") % {"count": wanted})

    def _print_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False, indent=2))


def _add_filters(parser: ArgumentParser) -> None:
    parser.add_argument("--suite", metavar="SUITE_KEY", help=_("only tenants of this suite"))
    parser.add_argument("--corp", metavar="CORP_ID", help=_("only this company"))
    parser.add_argument("--state", choices=TenantState.values, help=_("only tenants in this state"))


def _filtered(options: dict[str, Any]) -> QuerySet[Tenant]:
    return Tenant.objects.filter(
        **{column: options[name] for name, column in _FILTERS.items() if options[name] is not None}
    )


@transaction.atomic
def _request_reconcile(tenants: QuerySet[Tenant], *, details: dict[str, str]) -> int:
    now = timezone.now()
    wanted = waking.request_reconcile(tenants, now=now)
    audit.record(
        action="tenant.reconcile",
        actor=_actor(),
        target=None,
        details={**details, "tenants": wanted},
        now=now,
    )
    return wanted


def _rows(options: dict[str, Any]) -> list[ImportRow]:
    name = options["file"]
    try:
        return read_rows(_content(name), file_format=options["format"] or format_of(name))
    except (OSError, UnreadableFile) as error:
        raise CommandError(str(error)) from error


def _content(name: str) -> bytes:
    if name == "-":
        content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    else:
        with Path(name).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableFile(_("The file is larger than 64 MiB."))
    return content


@contextmanager
def _progress(total: int, *, is_shown: bool) -> Iterator[Callable[[int], None]]:
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    # Without a terminal the bar would fill a log file with its redrawings.
    with Progress(*columns, console=console, disable=not (is_shown and console.is_terminal)) as bar:
        task = bar.add_task(_("Importing"), total=total)
        yield lambda done: bar.update(task, completed=done)


def _reported(plan: ImportPlan, *, imported: int, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "right": len(plan.entries),
        "known": plan.known,
        "imported": imported,
        "problems": [asdict(problem) for problem in plan.problems],
        "tenants": [
            {
                "row": entry.row,
                "suite_key": entry.suite.suite_key,
                "corp_id": entry.corp_id,
                "is_known": entry.is_known,
            }
            for entry in plan.entries
        ],
    }


def _actor() -> Actor:
    return Actor(kind=ActorKind.COMMAND, name=f"manage.py tenant (uid {os.getuid()})")
