"""A database that cannot be reached: one push finds out, the others are refused at once."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection, connections

from dingtalk import punctuality
from dingtalk.database_absence import database_absence
from tests.faults.proxy import Proxy
from tests.journeys.processes import eventually
from tests.support.callback_signer import Signer
from tests.support.callbacks import Callbacks
from tests.support.protocol_fixtures import load_event
from tests.support.wsgi import WsgiClient

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite is always there"),
]


@pytest.fixture
def way() -> Iterator[Proxy]:
    """What lies between new connections and PostgreSQL."""
    settings = connections.settings["default"]
    proxy = Proxy("postgresql", target=int(connection.settings_dict["PORT"]), note=lambda words: None)
    before = {name: settings[name] for name in ("HOST", "PORT")}
    settings |= {"HOST": "127.0.0.1", "PORT": str(proxy.port)}
    try:
        yield proxy
    finally:
        proxy.pass_on()
        eventually(lambda: not database_absence.is_on, within=10, what="nobody tries any more")
        settings |= before
        # It may have been opened on this way, too.
        connection.close()
        proxy.close()


@pytest.fixture
def thread(way: Proxy) -> Iterator[ThreadPoolExecutor]:
    """A thread of the server, without a connection."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool
        pool.submit(connections.close_all).result()


def test_a_connection_that_is_not_open_in_time_is_not_waited_for(
    way: Proxy, thread: ThreadPoolExecutor
) -> None:
    def connect() -> float:
        started = time.monotonic()
        with punctuality.Deadline(seconds=0.2) as deadline, pytest.raises(OperationalError):
            deadline.connect()
        assert deadline.found_no_database
        return time.monotonic() - started

    way.swallow()

    assert thread.submit(connect).result() < 1


def test_once_it_is_known_to_be_away_nobody_waits_for_it_until_it_is_back(
    way: Proxy, thread: ThreadPoolExecutor, callbacks: Callbacks, signer: Signer
) -> None:
    query, body = signer.push(load_event("org_suite_auth"))

    def push() -> tuple[int, float]:
        started = time.monotonic()
        answer = WsgiClient().post(f"/callback/{callbacks.suite.path_slug}/?{urlencode(query)}", body)
        return answer.status_code, time.monotonic() - started

    way.swallow()
    found_out, _ = thread.submit(push).result()
    refused, seconds = thread.submit(push).result()
    way.pass_on()

    assert (found_out, refused) == (503, 503)
    assert seconds < 0.2
    eventually(lambda: thread.submit(push).result()[0] == 200, within=5, what="a push is stored again")
