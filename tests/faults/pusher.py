"""
DingTalk's side of the pushing, with a ledger of its own.

Each try has a fresh time, nonce and random bytes, and 1,200 ms; after three tries an event is given up. An
acknowledgement counts when it is complete in time, verifies, decrypts and says `success`. A connection is
listened to a little longer: an acknowledgement that comes too late is a broken promise.
"""

import json
import secrets
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from dingtalk.simulator.crypto import Envelope, EnvelopeKeys
from dingtalk.simulator.delivery import RawReply, judge
from dingtalk.simulator.remote import SimulatorRemote
from tests.bench.http_answer import BadAnswer, read_answer
from tests.faults.ledger import Ledger
from tests.faults.plan import ORDINARY, Item

DEADLINE_SECONDS = 1.2
# How long a connection is listened to after the deadline has passed.
LISTEN_SECONDS = 3.0
TRIES = 3
# The platform's 10 s and 30 s, shortened.
PAUSES_SECONDS = (2.0, 6.0)
# Most of them wait to repeat a push while something is down.
SENDERS = 64
_SUCCESS = frozenset({"success"})
_ORDINARY_TYPE, _ORDINARY_BIZ_TYPE = "user_modify_org", 13

Document = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """Where a suite's events are pushed to, and what signs them."""

    suite_key: str
    suite_id: str
    callback_url: str
    keys: EnvelopeKeys

    @property
    def subscribe_id(self) -> str:
        """What names the suite in rows."""
        return f"{self.suite_id}_0"

    @classmethod
    def of(cls, suite: Mapping[str, Any]) -> "Target":
        """Read it from what the simulator tells of a suite."""
        keys = EnvelopeKeys(suite["token"], suite["encoding_aes_key"], suite["suite_key"])
        return cls(suite["suite_key"], suite["suite_id"], suite["callback_url"], keys)


@dataclass(frozen=True)
class Company:
    """A company of the run, and the suite that it uses."""

    corp_id: str
    target: Target


@dataclass(frozen=True)
class Reply:
    """What came of one try: `answer` is success, late, or why it does not count."""

    answer: str
    elapsed_ms: float

    @property
    def is_success(self) -> bool:
        """Whether the event is acknowledged."""
        return self.answer == "success"


# Delivers a message once, in one copy or in several; the replies to all of them.
Deliver = Callable[[Target, str], list[Reply]]


class Pusher:
    """Pushes a plan with a number of senders, at a given pace at most."""

    def __init__(
        self,
        plan: list[Item],
        companies: list[Company],
        *,
        simulator: SimulatorRemote,
        ledger: Ledger,
        rate: float,
        deliver: Deliver | None = None,
        pauses_seconds: tuple[float, ...] = PAUSES_SECONDS,
    ) -> None:
        """`rate`: pushes that begin in a second. `deliver`: how a message is sent once, `send` if None."""
        self._plan, self._companies = plan, companies
        self._simulator, self._ledger = simulator, ledger
        self._rate, self._pauses = rate, pauses_seconds
        self._send: Deliver = deliver or (lambda target, message: [send(target, message)])
        self._next = 0
        self._lock = threading.Lock()
        self._turns: dict[int, int] = defaultdict(int)
        self._turn_came = threading.Condition()
        self._last_ms = 0
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send_all, name=f"pusher-{number}", daemon=True)
            for number in range(SENDERS)
        ]
        self.finished = 0
        self.errors: list[str] = []

    def start(self) -> None:
        """Begin to push."""
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    @property
    def progress(self) -> float:
        """Which share of the pushes has begun, 0 to 1."""
        return self._next / max(len(self._plan), 1)

    @property
    def is_done(self) -> bool:
        """Whether every push has come to its end."""
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Begin no further push."""
        self._stop.set()

    def join(self) -> None:
        """Wait for the end of all pushes."""
        for thread in self._threads:
            thread.join()

    def _send_all(self) -> None:
        while (item := self._take()) is not None:
            try:
                self._push(item)
            except Exception as error:  # noqa: BLE001 - whatever it is, the run must not count
                self.errors.append(f"{type(error).__name__}: {error}")
            with self._lock:
                self.finished += 1

    def _take(self) -> Item | None:
        with self._lock:
            if self._next >= len(self._plan) or self._stop.is_set():
                return None
            number, self._next = self._next, self._next + 1
        self._stop.wait(max(0.0, self._began + number / self._rate - time.monotonic()))
        return self._plan[number]

    def _push(self, item: Item) -> None:
        target, documents, push_id = self._happen(item)
        for document in documents:
            self._deliver(target, document, push_id)

    def _happen(self, item: Item) -> tuple[Target, list[Document], str]:
        """Have it happen, and note the events; return what is to be pushed, and a name for the push."""
        company = self._companies[item.company]
        if item.action == ORDINARY:
            documents = [self._ordinary(company, item.rows)]
        else:
            documents = self._deed(company, item)
        push_id = secrets.token_hex(6)
        for key, event in self._events(company, documents[0], item.action):
            self._ledger.write("event", key=key, push=push_id, action=item.action, **event)
        return company.target, documents, push_id

    def _deed(self, company: Company, item: Item) -> list[Document]:
        """Have an administrator do it, in the company's own order; return what DingTalk pushes then."""
        with self._turn_came:
            self._turn_came.wait_for(lambda: self._turns[item.company] == item.turn)
        try:
            made = self._simulator.act(
                company.target.suite_key, company.corp_id, item.action, wait=False, unsent=True
            )
        finally:
            with self._turn_came:
                self._turns[item.company] += 1
                self._turn_came.notify_all()
        return [push["document"] for push in made["pushes"]]

    def _ordinary(self, company: Company, rows: int) -> Document:
        return {
            "EventType": "SYNC_HTTP_PUSH_MEDIUM",
            "bizData": [self._ordinary_row(company, self._next_ms()) for _ in range(rows)],
        }

    def _ordinary_row(self, company: Company, at_ms: int) -> Document:
        userid = f"user{at_ms % 7}"
        data = {"syncAction": _ORDINARY_TYPE, "userid": userid, "name": "李雷", "mark": at_ms}
        return {
            "gmt_create": at_ms,
            "gmt_modified": at_ms,
            "biz_type": _ORDINARY_BIZ_TYPE,
            "open_cursor": 0,
            "subscribe_id": company.target.subscribe_id,
            "id": at_ms,
            "biz_id": userid,
            "biz_data": json.dumps(data, ensure_ascii=False),
            "corp_id": company.corp_id,
            "status": 0,
        }

    def _next_ms(self) -> int:
        with self._lock:
            self._last_ms = max(int(time.time() * 1000), self._last_ms + 1)
            return self._last_ms

    def _events(self, company: Company, document: Document, action: str) -> list[tuple[str, dict[str, Any]]]:
        suite_key, corp_id = company.target.suite_key, company.corp_id
        if "bizData" in document:
            named = [
                (json.loads(row["biz_data"])["syncAction"], int(row["gmt_modified"]))
                for row in document["bizData"]
            ]
        else:
            named = [(document["EventType"], int(document["TimeStamp"]))]
        return [
            (
                event_key(suite_key, corp_id, event_type, at_ms),
                {"suite_key": suite_key, "corp_id": corp_id, "platform_ms": at_ms},
            )
            for event_type, at_ms in named
        ]

    def _deliver(self, target: Target, document: Document, push_id: str) -> None:
        message = json.dumps(document, ensure_ascii=False)
        for pause in (0.0, *self._pauses[: TRIES - 1]):
            time.sleep(pause)
            replies = self._send(target, message)
            for reply in replies:
                self._ledger.write("try", push=push_id, answer=reply.answer, elapsed_ms=reply.elapsed_ms)
            if any(reply.is_success for reply in replies):
                return


def event_key(suite_key: str, corp_id: str, event_type: str, platform_ms: int) -> str:
    """Name one event, as both its sender and its reader can."""
    return f"{suite_key}/{corp_id}/{event_type}/{platform_ms}"


def send(target: Target, message: str) -> Reply:
    """Push a message once in a fresh envelope, and judge the reply."""
    return post(target, seal(target, message))


def seal(target: Target, message: str) -> Envelope:
    """Encrypt and sign a message, with time, nonce and random bytes that no other has."""
    return target.keys.seal(message, timestamp=str(int(time.time() * 1000)), nonce=secrets.token_hex(4))


def post(target: Target, envelope: Envelope) -> Reply:
    """Push an envelope, on a connection of its own, and judge the reply."""
    began = time.monotonic()
    query = {"signature": envelope.signature, "timestamp": envelope.timestamp, "nonce": envelope.nonce}
    body = json.dumps({"encrypt": envelope.encrypt}).encode()
    try:
        status, answer = _exchange(target.callback_url, query, body, until=began + LISTEN_SECONDS)
    except TimeoutError:
        return _reply("timed out", began)
    except (OSError, BadAnswer) as error:
        return _reply(f"no answer: {type(error).__name__}", began)
    elapsed = time.monotonic() - began
    verdict = judge(
        RawReply(elapsed * 1000, http_status=status, body=answer), keys=target.keys, expected=_SUCCESS
    )
    if not verdict.accepted:
        return _reply(f"status {status}" if status != 200 else verdict.reason, began)
    return _reply("success" if elapsed <= DEADLINE_SECONDS else "late", began)


def _reply(answer: str, began: float) -> Reply:
    return Reply(answer, round((time.monotonic() - began) * 1000, 2))


def _exchange(url: str, query: Mapping[str, str], body: bytes, *, until: float) -> tuple[int, bytes]:
    parts = urlsplit(url)
    head = (
        f"POST {parts.path}?{urlencode(query)} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    address = (parts.hostname, parts.port or 80)
    with socket.create_connection(address, timeout=until - time.monotonic()) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(head.encode() + body)
        received = b""
        while True:
            connection.settimeout(max(0.001, until - time.monotonic()))
            chunk = connection.recv(1 << 16)
            if not chunk:
                raise BadAnswer("the connection ended before the answer")
            received += chunk
            answer = read_answer(received)
            if answer is not None:
                return answer
