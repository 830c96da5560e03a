"""
Which function handles which type of event.

`dingtalk` never learns who listens: the apps around it register their handlers when they start.

    @routes.on("org_suite_relieve")
    def relieve(event: ReceivedEvent, *, now: datetime) -> Ignored | None:
        ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from django.utils.translation import gettext_noop

from dingtalk.models import ReceivedEvent


@dataclass(frozen=True, slots=True)
class Ignored:
    """What a handler returns when it had nothing to do; `reason` is shown to operators."""

    reason: str


_FOR_TENANT_APPS = Ignored(gettext_noop("known, for tenant apps"))
_UNKNOWN = Ignored(gettext_noop("unknown: DingTalk's documents do not name this event"))


def nobody_handles(event: ReceivedEvent) -> Ignored:
    """Return why an event of a type without a handler is ignored."""
    return _FOR_TENANT_APPS if event.is_known else _UNKNOWN


class Handler(Protocol):
    """
    Makes the effect of one event in the database, inside the transaction that marks it handled.

    It calls nothing over the network. Raising any error rolls its effect back; the event is tried again.
    """

    def __call__(self, event: ReceivedEvent, *, now: datetime) -> Ignored | None: ...


HandlerT = TypeVar("HandlerT", bound=Handler)


class Router:
    """The handlers by event type; each type has at most one."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def on(self, *event_types: str) -> Callable[[HandlerT], HandlerT]:
        """Register the decorated function for these types; raises ValueError when one is taken."""

        def register(handler: HandlerT) -> HandlerT:
            for event_type in event_types:
                if event_type in self._handlers:
                    raise ValueError(f"{event_type} has a handler already")
                self._handlers[event_type] = handler
            return handler

        return register

    def find_handler(self, event_type: str) -> Handler | None:
        """Return who handles events of this type, or None."""
        return self._handlers.get(event_type)

    def handled_types(self) -> list[str]:
        """Return the types that somebody handles."""
        return list(self._handlers)


routes = Router()
