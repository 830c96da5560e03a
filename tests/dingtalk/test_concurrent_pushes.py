"""The same push at the same instant, in threads and in processes: one row."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import urlencode

import pytest
from django.db import connection

from dingtalk.models import ReceivedPush, SuiteTicket
from tests.support.callback_signer import Signer
from tests.support.callbacks import Callbacks
from tests.support.protocol_fixtures import load_event
from tests.support.wsgi import WsgiClient

AT_ONCE = 4


def _sender(callbacks: Callbacks, signer: Signer, name: str) -> Callable[[], int]:
    query, body = signer.push(load_event(name))
    url = f"/callback/{callbacks.suite.path_slug}/?{urlencode(query)}"

    def send() -> int:
        try:
            return WsgiClient().post(url, body).status_code
        finally:
            connection.close()

    return send


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["org_suite_auth", "suite_ticket"])
def test_the_same_push_in_several_threads_is_stored_once(
    callbacks: Callbacks, signer: Signer, name: str
) -> None:
    send = _sender(callbacks, signer, name)
    start = Barrier(AT_ONCE)

    def send_together(_: int) -> int:
        start.wait(timeout=10)
        return send()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = list(pool.map(send_together, range(AT_ONCE)))

    assert statuses == [200] * AT_ONCE
    assert ReceivedPush.objects.count() == 1
    assert SuiteTicket.objects.count() == (name == "suite_ticket")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["org_suite_auth", "suite_ticket"])
def test_the_same_push_in_several_processes_is_stored_once(
    callbacks: Callbacks, signer: Signer, name: str
) -> None:
    send = _sender(callbacks, signer, name)
    context = multiprocessing.get_context("fork")
    start, statuses = context.Barrier(AT_ONCE), context.Queue()

    def send_together() -> None:
        start.wait(timeout=10)
        statuses.put(send())

    # A connection must not be shared with a child.
    connection.close()
    processes = [context.Process(target=send_together) for _ in range(AT_ONCE)]
    for process in processes:
        process.start()
    found = [statuses.get(timeout=30) for _ in processes]
    for process in processes:
        process.join(timeout=10)

    assert found == [200] * AT_ONCE
    assert ReceivedPush.objects.count() == 1
    assert SuiteTicket.objects.count() == (name == "suite_ticket")
