"""Playing the work of companies to a running portal: each kind by itself, and all kinds of a scaled hour."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg

from tests.bench.goals import Portal, corp_id_of
from tests.bench.measurement import InvalidRun
from tests.journeys.stack import SYNC_HTTP
from tests.load.model import ONBOARDING, PUSH, RENEWAL, TICKET, TOKEN
from tests.support.callback_signer import Signer

SENDERS = 4
DONE_WITHIN_SECONDS = 120.0
_SETTLED = """
    SELECT NOT EXISTS (SELECT FROM dingtalk_receivedpush WHERE split_at IS NULL)
       AND NOT EXISTS (SELECT FROM dingtalk_receivedevent WHERE handled_at IS NULL)
       AND NOT EXISTS (SELECT FROM tenants_accesstoken WHERE renewal_requested_at IS NOT NULL)
       AND NOT EXISTS (SELECT FROM tenants_tenant WHERE state <> 'active' OR next_reconcile_at IS NOT NULL)
"""
# What the sweep does when a token is about to end.
_RENEW = """
    UPDATE tenants_accesstoken SET renewal_requested_at = now(), dispatched_at = NULL, last_used_at = now()
    WHERE renewal_requested_at IS NULL
      AND id = (SELECT id FROM tenants_accesstoken WHERE tenant_id IS NOT NULL ORDER BY issued_at LIMIT 1)
"""


class Player:
    """Does one unit of a kind of work: as DingTalk, as an app, as a company's administrator, as a clock."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._database = psycopg.connect(portal.database_url, autocommit=True)
        suite = portal.stack.simulator.suite(SYNC_HTTP)
        self._signer = Signer(suite["token"], suite["encoding_aes_key"], SYNC_HTTP)
        self._callback_path = urlsplit(suite["callback_url"]).path
        self._numbers, self._companies = count(), count()
        # Those that are active, and how many there will be.
        self._active, self._wanted = 0, 0
        self._connections = threading.local()
        self._units: Mapping[str, Callable[[], None]] = {
            PUSH: self._push,
            TOKEN: self._ask_for_token,
            RENEWAL: self._renew,
            ONBOARDING: self._authorize,
            TICKET: lambda: portal.stack.simulator.push_ticket(SYNC_HTTP),
        }

    def play(self, units: Mapping[str, int], *, seconds: float) -> float:
        """Do so many of each kind, evenly over that time, and wait for the last; the seconds it took."""
        self._wanted += units.get(ONBOARDING, 0)
        started = time.monotonic()
        with ThreadPoolExecutor(SENDERS * len(units)) as senders:
            shares = [
                senders.submit(self._send, kind, range(number, units[kind], SENDERS), units[kind], seconds)
                for kind in units
                for number in range(SENDERS)
            ]
            for share in shares:
                share.result()
        self._wait_until_settled()
        self._active = self._wanted
        return time.monotonic() - started

    def _wait_until_settled(self) -> None:
        deadline = time.monotonic() + DONE_WITHIN_SECONDS
        while not self._is_settled():
            if time.monotonic() > deadline:
                raise InvalidRun("what was asked for is not done")
            time.sleep(0.1)

    def _is_settled(self) -> bool:
        row = self._database.execute(_SETTLED).fetchone()
        tenants = self._database.execute("SELECT count(*) FROM tenants_tenant").fetchone()
        return bool(row and row[0]) and bool(tenants and tenants[0] == self._wanted)

    def _send(self, kind: str, numbers: range, of: int, seconds: float) -> None:
        started = time.monotonic()
        for number in numbers:
            time.sleep(max(0.0, started + number * seconds / of - time.monotonic()))
            self._units[kind]()

    def _push(self) -> None:
        number = next(self._numbers)
        query, body = self._signer.push(_person_changed(corp_id_of(number % self._active), number))
        path = f"{self._callback_path}?{urlencode(query)}"
        answer = self._ask(
            self._portal.stack.callback_port, "POST", path, body, {"Content-Type": "application/json"}
        )
        if self._signer.open(json.loads(answer)) != b"success":
            raise InvalidRun("a push was not acknowledged")

    def _ask_for_token(self) -> None:
        corp_id = corp_id_of(next(self._numbers) % self._active)
        path = f"/api/v1/tenants/{SYNC_HTTP}/{corp_id}/access-token"
        key = self._portal.operator.keys[SYNC_HTTP]
        self._ask(self._portal.stack.port, "GET", path, None, {"Authorization": f"Bearer {key}"})

    def _renew(self) -> None:
        self._database.execute(_RENEW)

    def _authorize(self) -> None:
        corp_id = corp_id_of(next(self._companies))
        self._portal.stack.simulator.act(SYNC_HTTP, corp_id, "authorize", wait=False)

    def _ask(
        self, port: int, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> bytes:
        """Send a request on the connection that this thread keeps; anything but 200 is an error."""
        kept = self._connections.__dict__
        if port not in kept:
            kept[port] = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        kept[port].request(method, path, body, dict(headers))
        answer = kept[port].getresponse()
        content = answer.read()
        if answer.status != 200:
            raise InvalidRun(f"{method} {path.partition('?')[0]}: {answer.status} {content[:200]!r}")
        return content


def _person_changed(corp_id: str, number: int) -> dict[str, Any]:
    """Return a SyncHTTP push of one row: another person of a company each time."""
    now_ms = int(time.time() * 1000)
    row = {
        "id": number,
        "gmt_create": now_ms,
        "gmt_modified": now_ms,
        "biz_type": 13,
        "biz_id": f"person{number}",
        "biz_data": json.dumps({"syncAction": "user_modify_org", "userid": f"person{number}"}),
        "corp_id": corp_id,
        "open_cursor": 0,
        "subscribe_id": f"{SYNC_HTTP}_0",
        "status": 0,
    }
    return {"EventType": "SYNC_HTTP_PUSH_MEDIUM", "bizData": [row]}
