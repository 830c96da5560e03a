"""`manage.py rotate_encryption_keys`."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Model
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dingtalk.foundation.keyring import active_keyring
from dingtalk.foundation.rotation import ModelReport, encrypted_models, rotate_model, rows_by_key_id


class Command(BaseCommand):
    """
    Encrypt everything under the first key of FIELD_ENCRYPTION_KEYS, or ask whether a key can go.

    To replace a key: put the new one first and keep the old one, restart every process, run this until
    nothing is left, ask `--check-unused OLD`, take the old one out, restart.
    Exit code 1: something is left, unreadable, or still needs the key.
    """

    help = "Encrypt all stored secrets under the first key of FIELD_ENCRYPTION_KEYS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help=_("Write nothing, report what is left."))
        parser.add_argument("--json", action="store_true", help=_("Report as JSON on standard output."))
        parser.add_argument(
            "--check-unused",
            metavar="KEY_ID",
            help=_("Say whether this key can be taken out; change nothing."),
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["check_unused"]:
            done = self._check_unused(options["check_unused"], as_json=options["json"])
        else:
            done = self._rotate(dry_run=options["dry_run"], as_json=options["json"])
        if not done:
            raise SystemExit(1)

    def _rotate(self, *, dry_run: bool, as_json: bool) -> bool:
        primary_id = active_keyring().primary_id
        reports = _rotated_models(dry_run=dry_run, shows_progress=not as_json)
        if as_json:
            models = [report.as_json() for report in reports]
            self._write_json({"primary_key_id": primary_id, "dry_run": dry_run, "models": models})
        else:
            self._write_reports(reports, primary_id=primary_id, dry_run=dry_run)
        return all(report.is_clean for report in reports)

    def _write_reports(self, reports: list[ModelReport], *, primary_id: str, dry_run: bool) -> None:
        for report in reports:
            self.stdout.write(
                _("%(model)s: %(seen)s rows, %(rotated)s rotated, %(left)s left, %(unreadable)s unreadable")
                % report.as_json()
            )
            for problem in report.problems:
                self.stderr.write(f"  {problem}")
        if dry_run:
            self.stdout.write(_("Dry run: nothing was written."))
        elif all(report.is_clean for report in reports):
            self.stdout.write(_("Everything is encrypted under %(key)s.") % {"key": primary_id})

    def _check_unused(self, key_id: str, *, as_json: bool) -> bool:
        counted = {model._meta.label: rows_by_key_id(model)[key_id] for model in encrypted_models()}
        uses = {label: rows for label, rows in counted.items() if rows}
        is_primary = key_id == active_keyring().primary_id
        is_unused = not uses and not is_primary
        if as_json:
            self._write_json({"key_id": key_id, "unused": is_unused, "is_primary": is_primary, "rows": uses})
            return is_unused
        if is_primary:
            self.stdout.write(_("%(key)s is the first key: it encrypts.") % {"key": key_id})
        for label, rows in uses.items():
            self.stdout.write(
                _("%(key)s is needed by %(rows)s rows of %(model)s.")
                % {"key": key_id, "rows": rows, "model": label}
            )
        if is_unused:
            self.stdout.write(_("Nothing needs %(key)s: it can be taken out.") % {"key": key_id})
        return is_unused

    def _write_json(self, report: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))


def _rotated_models(*, dry_run: bool, shows_progress: bool) -> list[ModelReport]:
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    # Without a terminal the bar would fill a log file with its redrawings.
    with Progress(*columns, console=console, disable=not (shows_progress and console.is_terminal)) as bar:
        return [_rotated_model(model, bar, dry_run=dry_run) for model in encrypted_models()]


def _rotated_model(model: type[Model], bar: Progress, *, dry_run: bool) -> ModelReport:
    task = bar.add_task(model._meta.label, total=None)

    def show(report: ModelReport) -> None:
        bar.update(task, total=max(report.total, report.seen), completed=report.seen)

    return rotate_model(model, dry_run=dry_run, progress=show)
