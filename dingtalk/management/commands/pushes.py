"""Recording pushes and playing them to a local portal."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import requests
from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware
from django.utils.translation import gettext as _

from dingtalk import recording, suites
from dingtalk.models import Suite

DEFAULT_LIMIT = 1_000


class Command(BaseCommand):
    """Record received pushes with their secrets removed; play a recording to a local portal."""

    help = str(_("Record received pushes with their secrets removed, and play them to a local portal."))

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="record | play")
        recorder = actions.add_parser("record", help=_("write received pushes as JSON lines"))
        recorder.add_argument("--suite", required=True, metavar="SUITE_KEY")
        recorder.add_argument("--since", metavar="TIME", help=_("only those received from then on, ISO 8601"))
        recorder.add_argument("--limit", type=int, default=DEFAULT_LIMIT, help=_("at most so many"))
        recorder.add_argument("--out", metavar="FILE", help=_("instead of standard output"))
        player = actions.add_parser("play", help=_("push a recording to a portal on this machine"))
        player.add_argument("file", metavar="FILE")
        player.add_argument("--suite", required=True, metavar="SUITE_KEY", help=_("whose credentials to use"))
        player.add_argument("--url", help=_("the callback URL, if it is not PUBLIC_BASE_URL's"))

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the action says."""
        suite = Suite.objects.filter(suite_key=options["suite"]).first()
        if suite is None:
            raise CommandError(_("No suite has this suite key."))
        if options["action"] == "record":
            self._record(suite, options)
        else:
            self._play(suite, options)

    def _record(self, suite: Suite, options: dict[str, Any]) -> None:
        since = parse_datetime(options["since"]) if options["since"] else None
        if options["since"] and since is None:
            raise CommandError(_("No such time: %(text)s") % {"text": options["since"]})
        if since is not None and is_naive(since):
            since = make_aware(since)
        pushes = recording.recorded_pushes(suite, since=since)[: options["limit"]]
        lines = [f"{line}\n" for line in recording.record(pushes.iterator())]
        if options["out"]:
            Path(options["out"]).write_text("".join(lines), "utf-8")
        else:
            self.stdout.write("".join(lines), ending="")
        self.stderr.write(_("%(count)d pushes recorded, without their secrets.") % {"count": len(lines)})

    def _play(self, suite: Suite, options: dict[str, Any]) -> None:
        url = options["url"] or suites.callback_url(suite)
        if not recording.is_local(url):
            raise CommandError(_("Recordings are played to this machine only: give its address with --url."))
        refused = 0
        try:
            with Path(options["file"]).open(encoding="utf-8") as lines:
                messages = recording.read_recording(lines)
                for played in recording.play(messages, suite=suite, url=url):
                    refused += not played.is_acknowledged
                    self.stdout.write(_line(played))
        except (OSError, UnicodeDecodeError, recording.BadRecording, requests.RequestException) as error:
            reason = str(error) if isinstance(error, recording.BadRecording) else type(error).__name__
            raise CommandError(_("It cannot be played: %(reason)s") % {"reason": reason}) from error
        if refused:
            sys.exit(1)


def _line(played: recording.Played) -> str:
    answer = _("acknowledged") if played.is_acknowledged else _("not acknowledged")
    return f"{played.number:5} {played.event_type:28} {played.status} {answer} {played.elapsed_ms} ms"
