"""Suites from the command line."""

import getpass
import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from dingtalk import suites
from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.foundation.text import visible
from dingtalk.models import Suite
from dingtalk.suite_values import CHOICES, OPTIONAL_SECRET_FIELDS, PLAIN_FIELDS, SECRET_FIELDS
from dingtalk.tickets import current_ticket

_ALL_SECRETS = (*SECRET_FIELDS, *OPTIONAL_SECRET_FIELDS)
_GENERATORS = {
    "callback_token": suites.generate_callback_token,
    "encoding_aes_key": suites.generate_encoding_aes_key,
}
_LARGEST_FILE_BYTES = 64 * 1024


class Command(BaseCommand):
    """Register suites and look at them."""

    help = _("Register suites and look at them; prints the callback URL to enter at DingTalk.")

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="add | list | show")
        adding = actions.add_parser("add", help=_("register a suite"))
        _add_values(adding)
        listing = actions.add_parser("list", help=_("list all suites"))
        showing = actions.add_parser("show", help=_("show one suite"))
        showing.add_argument("suite_key", metavar="SUITE_KEY")
        for action in (adding, listing, showing):
            action.add_argument("--json", action="store_true", help=_("print JSON"))

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the action says."""
        actions = {"add": self._add, "list": self._list, "show": self._show}
        actions[options["action"]](options)

    def _add(self, options: dict[str, Any]) -> None:
        values, generated = _values_to_register(options)
        try:
            suite = suites.register_suite(**values, actor=_actor(), now=timezone.now())
        except ValidationError as error:
            raise CommandError(_lines(error)) from error
        shown = {**_described(suite), **generated}
        if options["json"]:
            self._print_json(shown)
            return
        self._print_pairs(shown)
        self.stdout.write(self.style.SUCCESS(_("Registered. Enter the callback URL at DingTalk.")))
        if generated:
            self.stdout.write(_("What was generated is shown this once; enter it at DingTalk too."))

    def _list(self, options: dict[str, Any]) -> None:
        described = [_described(suite) for suite in Suite.objects.all()]
        if options["json"]:
            self._print_json(described)
            return
        for suite in described:
            self._print_pairs(suite)
            self.stdout.write("")
        if not described:
            self.stdout.write(_("No suite is registered yet: manage.py suite add"))

    def _show(self, options: dict[str, Any]) -> None:
        suite = Suite.objects.filter(suite_key=options["suite_key"]).first()
        if suite is None:
            raise CommandError(_("No suite has this suite key."))
        described = {**_described(suite), **_fingerprints(suite)}
        if options["json"]:
            self._print_json(described)
        else:
            self._print_pairs(described)

    def _print_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False, indent=2))

    def _print_pairs(self, pairs: dict[str, Any]) -> None:
        for name, value in pairs.items():
            self.stdout.write(f"{name:24} {visible(str(value if value is not None else '-'))}")


def _add_values(parser: ArgumentParser) -> None:
    for name in PLAIN_FIELDS:
        choices = CHOICES[name].values if name in CHOICES else None
        parser.add_argument(_option(name), choices=choices, help=_verbose(name))
    parser.add_argument(
        "--secrets-file",
        metavar="FILE",
        help=_(
            "JSON object with suite_secret, callback_token, encoding_aes_key (other fields may be there "
            "too); - reads standard input"
        ),
    )
    for name in _ALL_SECRETS:
        warning = _("every user of this machine can see it on the command line; better use --secrets-file")
        parser.add_argument(_option(name), metavar="SECRET", help=f"{_verbose(name)}: {warning}")
    for name in _GENERATORS:
        parser.add_argument(
            f"--generate-{name.replace('_', '-')}",
            dest=f"generate_{name}",
            action="store_true",
            help=_("make a random one and print it once: %(name)s") % {"name": _verbose(name)},
        )


def _values_to_register(options: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values of the new suite and, of them, those that were generated just now."""
    values = _read_file(options["secrets_file"])
    values |= {name: options[name] for name in (*PLAIN_FIELDS, *_ALL_SECRETS) if options[name] is not None}
    generated = {name: make() for name, make in _GENERATORS.items() if options[f"generate_{name}"]}
    if clash := sorted(generated.keys() & values.keys()):
        raise CommandError(_("Given and to be generated: %(names)s") % {"names": ", ".join(clash)})
    values |= generated
    values.setdefault("suite_id", "")
    _ask_for_missing(values, is_stdin_taken=options["secrets_file"] == "-")
    return values, generated


def _read_file(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        text = sys.stdin.read(_LARGEST_FILE_BYTES) if path == "-" else Path(path).read_text("utf-8")
        values = json.loads(text)
    except (OSError, ValueError) as error:
        # Not the error's own text: it can quote the file.
        raise CommandError(_("Cannot be read as JSON: %(path)s") % {"path": path}) from error
    known = (*PLAIN_FIELDS, *_ALL_SECRETS)
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise CommandError(_("The file must hold one JSON object whose values are texts."))
    if unknown := sorted(values.keys() - set(known)):
        raise CommandError(_("Unknown in the file: %(names)s") % {"names": ", ".join(unknown)})
    return values


def _ask_for_missing(values: dict[str, str], *, is_stdin_taken: bool) -> None:
    missing = [name for name in ("name", "suite_key", *SECRET_FIELDS) if name not in values]
    if not missing:
        return
    if is_stdin_taken or not sys.stdin.isatty():
        raise CommandError(_("Missing: %(names)s") % {"names": ", ".join(missing)})
    for name in missing:
        ask = getpass.getpass if name in SECRET_FIELDS else input
        values[name] = ask(f"{_verbose(name)}: ")


def _described(suite: Suite) -> dict[str, Any]:
    ticket = current_ticket(suite)
    return {
        "name": suite.name,
        "suite_id": suite.suite_id,
        "suite_key": suite.suite_key,
        **{
            name: getattr(suite, name)
            for name in PLAIN_FIELDS
            if name not in ("name", "suite_id", "suite_key")
        },
        "callback_url": suites.callback_url(suite),
        "callback_verified_at": _iso(suite.callback_verified_at),
        "suite_ticket_of": _iso(ticket.platform_time if ticket else None),
    }


def _fingerprints(suite: Suite) -> dict[str, str]:
    values = {name: getattr(suite, name) for name in _ALL_SECRETS}
    return {f"{name}_fingerprint": suites.fingerprint(value) for name, value in values.items() if value}


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _verbose(name: str) -> str:
    return str(getattr(Suite._meta.get_field(name), "verbose_name", name))


def _actor() -> Actor:
    return Actor(kind=ActorKind.COMMAND, name=f"manage.py suite (uid {os.getuid()})")


def _lines(error: ValidationError) -> str:
    return "\n".join(f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
