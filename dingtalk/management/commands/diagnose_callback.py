"""Why a captured callback is refused, on the command line."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from dingtalk import diagnosis
from dingtalk.captured_requests import MAX_CAPTURE_BYTES, CapturedRequest, UnreadableCapture, read_capture
from dingtalk.diagnosis import Diagnosis
from dingtalk.models import Suite
from dingtalk.protocol.diagnosis import Part


class Command(BaseCommand):
    """Say what is wrong with a captured callback, the likely cause, and the next step."""

    help = str(_("Say why a captured callback is refused: signature, key, receiver or shape."))

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "file", help=_('raw HTTP request, or JSON {"url": ..., "body": ...}; - reads standard input')
        )
        parser.add_argument("--suite", metavar="SUITE_KEY", help=_("if the captured URL does not tell which"))
        parser.add_argument("--json", action="store_true", help=_("print JSON"))

    def handle(self, *_args: Any, **options: Any) -> None:
        """Exit with 0 when the callback would be accepted, else with 1."""
        captured = _read(options["file"])
        suite = _suite(captured, options["suite"])
        found = diagnosis.diagnose_request(suite, captured, received_at=timezone.now())
        self.stdout.write(_as_json(found) if options["json"] else _as_text(found, suite))
        if found.part != Part.NOTHING or found.is_outside_window:
            sys.exit(1)


def _read(path: str) -> CapturedRequest:
    try:
        content = sys.stdin.buffer.read(MAX_CAPTURE_BYTES + 1) if path == "-" else Path(path).read_bytes()
        return read_capture(content)
    except OSError as error:
        raise CommandError(_("Cannot be read: %(path)s") % {"path": path}) from error
    except UnreadableCapture as error:
        raise CommandError(_("No captured request: %(reason)s") % {"reason": error}) from error


def _suite(captured: CapturedRequest, suite_key: str | None) -> Suite:
    if suite_key is not None:
        suite = Suite.objects.filter(suite_key=suite_key).first()
    else:
        slug = captured.path.rstrip("/").rpartition("/")[2]
        suite = Suite.objects.filter(path_slug=slug).first() if slug.isalnum() else None
    if suite is None:
        raise CommandError(_("The URL names no suite of ours. Name it with --suite; manage.py suite list"))
    return suite


def _as_text(found: Diagnosis, suite: Suite) -> str:
    lines = [
        f"{_('suite')}: {suite}",
        f"{_('what is wrong with it')}: {found.part_text}",
        f"{_('likely cause')}: {found.cause}" + (f" ({found.subject})" if found.subject else ""),
    ]
    if found.age_seconds is not None:
        lines.append(
            f"{_('age of its timestamp')}: {_('%(seconds)d seconds') % {'seconds': found.age_seconds}}"
        )
    if found.is_outside_window:
        lines.append(_("Its timestamp is outside the suite's freshness window."))
    return "\n".join(lines)


def _as_json(found: Diagnosis) -> str:
    return json.dumps(
        {
            "part": found.part,
            "hint": found.hint,
            "cause": str(found.cause),
            "subject": found.subject,
            "age_seconds": found.age_seconds,
            "outside_window": found.is_outside_window,
        },
        ensure_ascii=False,
        indent=2,
    )
