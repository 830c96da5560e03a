"""
A tenant app that reads the events feed by REST, and keeps a ledger of what it was given: the effect.

It goes on from its cursor whatever happens, as the documentation of the feed says: what was given with a page
counts once the page is whole, and a page that did not come is asked for again.
"""

import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import requests

from tests.faults.ledger import Ledger
from tests.faults.pusher import event_key

PAUSE_SECONDS = 0.25
_PAGE = 200


def read_states(session: requests.Session, base_url: str, companies: Mapping[str, str]) -> dict[str, str]:
    """
    Return the state of each tenant as the REST API shows it, by corp id.

    `companies` are suite keys by corp id; the session carries the key.
    """
    states: dict[str, str] = {}
    for suite_key in sorted(set(companies.values())):
        url: str | None = f"{base_url}/api/v1/tenants?suite_key={suite_key}&limit=200"
        while url:
            answer = session.get(url, timeout=15)
            answer.raise_for_status()
            page = answer.json()
            for tenant in page["results"]:
                if companies.get(tenant["corp_id"]) == suite_key:
                    states[tenant["corp_id"]] = tenant["state"]
            url = page["next"]
    return states


class Receiver:
    """Reads in a thread of its own, from now on until it is told to end."""

    def __init__(self, base_url: str, key: str, *, ledger: Ledger) -> None:
        self._base_url, self._ledger = base_url, ledger
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {key}"
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._cursor = "latest"
        self.given: set[str] = set()
        self.refused: list[str] = []

    def start(self) -> None:
        """Note where the feed is, and begin."""
        page = None
        while page is None:
            page = self._page()
        self._cursor = page["next"]
        self._thread.start()

    def close(self) -> None:
        """Read no further."""
        self._closing.set()
        self._thread.join()
        self._session.close()

    def read_states(self, companies: Mapping[str, str]) -> dict[str, str]:
        """Return the state of each tenant, by corp id; `companies` are suite keys by corp id."""
        return read_states(self._session, self._base_url, companies)

    def _run(self) -> None:
        while not self._closing.is_set():
            page = self._page()
            if page is not None:
                self._keep(page)
            if page is None or not page["has_more"]:
                self._closing.wait(PAUSE_SECONDS)

    def _page(self) -> Any:
        """Return the next page, or None when it did not come whole."""
        try:
            answer = self._session.get(
                f"{self._base_url}/api/v1/events",
                params={"after": self._cursor, "limit": _PAGE},
                timeout=5,
            )
            if answer.status_code == 200:
                return answer.json()
        except (requests.RequestException, ValueError):
            time.sleep(PAUSE_SECONDS)
            return None
        if answer.status_code not in (429, 500, 502, 503):
            self.refused.append(f"the feed answered {answer.status_code}: {answer.text[:200]}")
        if answer.status_code == 500:
            self.refused.append("the feed answered 500")
        time.sleep(PAUSE_SECONDS)
        return None

    def _keep(self, page: Any) -> None:
        for entry in page["results"]:
            at = datetime.fromisoformat(entry["platform_time"])
            key = event_key(entry["suite_key"], entry["corp_id"], entry["type"], round(at.timestamp() * 1000))
            self._ledger.write("given", key=key, id=entry["id"], cursor=entry["cursor"])
            self.given.add(key)
        self._cursor = page["next"]
