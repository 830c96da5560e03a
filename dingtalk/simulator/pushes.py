"""
Pushing: envelopes with fresh time, nonce and random bytes, the platform's repeats, and the ledger of it all.

A failed event is repeated after 10 s and after another 30 s and then given up; a suite ticket until 100
pushes were made or a newer ticket exists (`obtain-the-event-list-of-failed-push-messages`,
`push-suite-ticket-events`).
"""

import asyncio
import functools
import itertools
import json
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from dingtalk.simulator import invention
from dingtalk.simulator.crypto import Envelope
from dingtalk.simulator.delivery import NO_URL, UNREACHABLE, RawReply, Verdict, judge, post_envelope
from dingtalk.simulator.faults import PUSH, FaultBoard, FaultKind
from dingtalk.simulator.rds_rows import NO_DATABASE, RowWriter, no_database
from dingtalk.simulator.stream_documents import is_stream_event
from dingtalk.simulator.stream_gateway import deliver
from dingtalk.simulator.world import PushMode, Suite, World

LEDGER_SIZE = 20_000
SENDERS = 32
URL_CHECKS_WITH_RANDOM = frozenset({"check_create_suite_url", "check_update_suite_url"})

Content = dict[str, Any] | str
# What to send at a repeat: the content as it is by then, or None when it is no longer worth sending.
Refresh = Callable[[], Content | None]


class PushState(StrEnum):
    """How far a push is."""

    PENDING = "pending"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery: when, how long the complete reply took, and what was made of it."""

    at_ms: int
    elapsed_ms: float
    http_status: int
    accepted: bool
    reason: str


@dataclass(slots=True)
class Push:
    """One message to a suite's callback URL with everything that became of it."""

    id: int
    suite_key: str
    corp_id: str
    event_type: str
    content: Content
    created_at_ms: int
    retry_delays: tuple[float, ...]
    redelivery_of: int | None = None
    state: PushState = PushState.PENDING
    attempts: list[Attempt] = field(default_factory=list)
    envelope: Envelope | None = field(default=None, repr=False)
    first_attempt: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def describe(self) -> dict[str, Any]:
        """The push as the ledger shows it."""
        last = self.attempts[-1] if self.attempts else None
        return {
            "id": self.id,
            "suite_key": self.suite_key,
            "corp_id": self.corp_id,
            "event_type": self.event_type,
            "document": self.content,
            "created_at_ms": self.created_at_ms,
            "redelivery_of": self.redelivery_of,
            "state": self.state.value,
            "accepted": last.accepted if last else None,
            "reason": last.reason if last else "",
            "attempts": [asdict(attempt) for attempt in self.attempts],
        }


class Pusher:
    """Sends pushes in the background of the server's event loop."""

    def __init__(self, *, world: World, faults: FaultBoard, rows: RowWriter | None = None) -> None:
        """`rows`: writes into the push database, for suites in RDS mode."""
        self._world = world
        self._faults = faults
        self._rows = rows
        self._pushes: deque[Push] = deque(maxlen=LEDGER_SIZE)
        self._ids = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="push")

    def send(
        self,
        suite: Suite,
        content: Content,
        *,
        corp_id: str = "",
        refresh: Refresh | None = None,
        retry_delays: tuple[float, ...] | None = None,
    ) -> Push:
        """Start a push with the platform's repeats, or with other pauses; an empty tuple means no repeat."""
        delays = self._usual_delays(content) if retry_delays is None else retry_delays
        push = self._record(suite, content, corp_id=corp_id, retry_delays=delays)
        self._start(self._run(push, suite, refresh or (lambda: content)))
        return push

    def keep(self, suite: Suite, content: Content, *, corp_id: str = "") -> Push:
        """Record a push that somebody else delivers."""
        return self._record(suite, content, corp_id=corp_id, retry_delays=())

    def send_ticket(self, suite: Suite, content: Content, *, refresh: Refresh) -> Push:
        """Start the push of a ticket, which is repeated far longer than an event."""
        options = self._world.options
        if is_stream_event(content):
            return self.send(suite, content, refresh=refresh)
        repeats = options.ticket_attempts - 1
        delays = options.retry_delays_seconds or (0.0,)
        padded = delays[:repeats] + delays[-1:] * (repeats - len(delays))
        return self.send(suite, content, refresh=refresh, retry_delays=padded)

    def redeliver(self, suite: Suite, earlier: Push, *, fresh_envelope: bool) -> Push:
        """Send an earlier push once more: the very same bytes, or the content in a new envelope."""
        push = self._record(suite, earlier.content, corp_id=earlier.corp_id, retry_delays=())
        push.redelivery_of = earlier.id
        if not fresh_envelope:
            push.envelope = earlier.envelope
        self._start(self._run(push, suite, lambda: earlier.content, keep_envelope=not fresh_envelope))
        return push

    def find(
        self,
        *,
        since_id: int = 0,
        suite_key: str = "",
        corp_id: str = "",
        event_type: str = "",
        state: str = "",
    ) -> list[Push]:
        """Pushes after an id that match every filter given, oldest first."""
        return [
            push
            for push in self._pushes
            if push.id > since_id
            and suite_key in ("", push.suite_key)
            and corp_id in ("", push.corp_id)
            and event_type in ("", push.event_type)
            and state in ("", push.state.value)
        ]

    def find_one(self, push_id: int) -> Push | None:
        """A push by its id."""
        return next((push for push in self._pushes if push.id == push_id), None)

    async def close(self) -> None:
        """End all repeats. Deliveries under way end with their deadline."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._senders.shutdown(wait=False, cancel_futures=True)
        if self._rows is not None:
            self._rows.close()

    def _record(
        self, suite: Suite, content: Content, *, corp_id: str, retry_delays: tuple[float, ...]
    ) -> Push:
        push = Push(
            id=next(self._ids),
            suite_key=suite.suite_key,
            corp_id=corp_id,
            event_type=_event_type(content),
            content=content,
            created_at_ms=self._world.clock.now_ms(),
            retry_delays=retry_delays,
        )
        self._pushes.append(push)
        return push

    def _start(self, run: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(run)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, push: Push, suite: Suite, refresh: Refresh, *, keep_envelope: bool = False) -> None:
        for delay in (0.0, *push.retry_delays):
            if delay:
                await asyncio.sleep(delay)
            content = push.content if not push.attempts else refresh()
            if content is None:
                push.state = PushState.SUPERSEDED
                return
            push.content = content
            attempt = await self._attempt(push, suite, keep_envelope=keep_envelope)
            push.attempts.append(attempt)
            push.state = PushState.DELIVERED if attempt.accepted else PushState.RETRYING
            push.first_attempt.set()
            if attempt.accepted or attempt.reason in (NO_URL, NO_DATABASE):
                break
        if push.state is PushState.RETRYING:
            push.state = PushState.FAILED
            self._list_failed(push, suite)

    def _list_failed(self, push: Push, suite: Suite) -> None:
        """Keep what was not delivered over HTTP, for the company's list of failed pushes."""
        is_by_http = suite.push_mode in (PushMode.HTTP, PushMode.SYNC_HTTP)
        if is_by_http and isinstance(push.content, dict):
            self._world.failed_list.add(suite.suite_key, push.content)

    def _usual_delays(self, content: Content) -> tuple[float, ...]:
        options = self._world.options
        if is_stream_event(content):
            return (options.stream_retry_seconds,) * (options.stream_attempts - 1)
        return options.retry_delays_seconds

    async def _attempt(self, push: Push, suite: Suite, *, keep_envelope: bool) -> Attempt:
        at_ms = self._world.clock.now_ms()
        if isinstance(push.content, dict) and is_stream_event(push.content):
            fault = self._faults.take(PUSH)
            reply, verdict = await deliver(self._world, suite.suite_key, push.content, fault)
            return _attempt_record(at_ms, reply, verdict)
        if suite.push_mode is PushMode.RDS and isinstance(push.content, dict) and "bizData" in push.content:
            fault = self._faults.take(PUSH)
            reply, verdict = await self._rows.deliver(push.content, fault) if self._rows else no_database()
            return _attempt_record(at_ms, reply, verdict)
        if push.envelope is None or not keep_envelope:
            push.envelope = suite.keys.seal(
                _text(push.content), timestamp=str(at_ms), nonce=invention.alphanumeric(8)
            )
        reply = await self._deliver(suite, push.envelope)
        verdict = judge(reply, keys=suite.keys, expected=_expected(push.content, suite=suite))
        return _attempt_record(at_ms, reply, verdict)

    async def _deliver(self, suite: Suite, envelope: Envelope) -> RawReply:
        if not suite.callback_url:
            return RawReply(0.0, failure=NO_URL)
        fault = self._faults.take(PUSH)
        if fault is not None and fault.kind is FaultKind.RESET:
            return RawReply(0.0, failure=f"{UNREACHABLE}: lost on the way")
        if fault is not None and fault.kind is FaultKind.DELAY:
            await asyncio.sleep(fault.seconds)
        deadline_ms = suite.deadline_ms or self._world.options.deadline_ms
        send = functools.partial(
            post_envelope,
            callback_url=suite.callback_url,
            envelope=envelope,
            signature_parameter=suite.signature_parameter,
            deadline_ms=deadline_ms,
        )
        reply = await asyncio.get_running_loop().run_in_executor(self._senders, send)
        if fault is not None and fault.kind is FaultKind.DROP_ANSWER:
            return RawReply(reply.elapsed_ms, failure=f"{UNREACHABLE}: the answer was lost")
        return reply


def _attempt_record(at_ms: int, reply: RawReply, verdict: Verdict) -> Attempt:
    return Attempt(
        at_ms=at_ms,
        elapsed_ms=reply.elapsed_ms,
        http_status=reply.http_status,
        accepted=verdict.accepted,
        reason=verdict.reason,
    )


def _event_type(content: Content) -> str:
    if not isinstance(content, dict):
        return ""
    return str(content.get("EventType") or content.get("eventType") or "")


def _text(content: Content) -> str:
    text = content
    if not isinstance(text, str):
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace").decode()


def _expected(content: Content, *, suite: Suite) -> frozenset[str]:
    """The plaintexts that count: `success`, and for two checks of a URL (also or only) the random text."""
    if isinstance(content, dict) and content.get("EventType") in URL_CHECKS_WITH_RANDOM:
        random_text = str(content.get("Random", ""))
        return frozenset({random_text} if suite.wants_random else {"success", random_text})
    return frozenset({"success"})
