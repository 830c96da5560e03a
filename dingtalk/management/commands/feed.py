"""`manage.py feed`: what has to be done about the events feed after a restore."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from dingtalk import feed
from dingtalk.foundation import audit
from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind


class Command(BaseCommand):
    """Tell the feed that its database was restored from a backup; harmless at any time."""

    help = "Have the events feed go on above every place that apps may have reached before a restore."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the action."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="restored")
        actions.add_parser("restored", help="the database was restored from a backup")

    @transaction.atomic
    def handle(self, *_args: Any, **_options: Any) -> None:
        """Raise the head, and note who did it."""
        now = timezone.now()
        before, after = feed.head_position(), feed.raise_head(now=now)
        actor = Actor(kind=ActorKind.COMMAND, name=f"manage.py feed (uid {os.getuid()})")
        details = {"before": before, "after": after}
        audit.record(action="feed.restore", actor=actor, target=None, details=details, now=now)
        self.stdout.write(_("The events feed goes on above position %(after)d.") % details)
