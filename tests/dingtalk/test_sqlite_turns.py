"""Many processes that write into one SQLite file: each gets its turn in time."""

import multiprocessing
import time

import pytest
from django.db import OperationalError, connection, transaction

from dingtalk.models import Suite
from dingtalk.patience import execute_impatiently, impatient_transaction

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has many places for writers"),
]

WRITERS, WRITES, WORKERS = 8, 20, 3
RENAME = "UPDATE dingtalk_suite SET name = %s"
# What workers and dispatchers do meanwhile: transactions one after another, hardly a pause between.
LONG_TRANSACTION_SECONDS, PAUSE_SECONDS = 0.03, 0.001


def _keep_writing(start, stop) -> None:
    start.wait(timeout=20)
    while not stop.is_set():
        with transaction.atomic():
            Suite.objects.update(name="by a worker")
            time.sleep(LONG_TRANSACTION_SECONDS)
        time.sleep(PAUSE_SECONDS)


def _write(start, refused) -> None:
    start.wait(timeout=20)
    count = 0
    for number in range(WRITES):
        try:
            if number % 2:
                execute_impatiently(RENAME, ["by a callback"])
            else:
                with impatient_transaction():
                    Suite.objects.update(name="by a callback")
        except OperationalError:
            count += 1
    refused.put(count)


def test_none_of_eight_writers_is_told_that_the_database_is_locked(suite: Suite) -> None:
    context = multiprocessing.get_context("fork")
    start, stop, refused = context.Barrier(WRITERS + WORKERS), context.Event(), context.Queue()
    # A connection must not be shared with a child.
    connection.close()
    workers = [context.Process(target=_keep_writing, args=(start, stop)) for _ in range(WORKERS)]
    writers = [context.Process(target=_write, args=(start, refused)) for _ in range(WRITERS)]
    for process in (*workers, *writers):
        process.start()
    found = [refused.get(timeout=60) for _ in writers]
    stop.set()
    for process in (*workers, *writers):
        process.join(timeout=10)

    assert found == [0] * WRITERS
