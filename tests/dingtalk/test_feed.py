"""Positions in the feed: each event gets one, and nobody who reads in their order misses an event."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from dingtalk import feed
from dingtalk.feed import head_position, number_events
from dingtalk.foundation.ids import new_id
from dingtalk.foundation.models import AuditEntry
from dingtalk.models import FeedHead, ReceivedEvent, Suite
from tests.support.events import make_event

WRITERS, EVENTS_EACH, NUMBERERS, READERS = 4, 15, 3, 2
PATIENCE_SECONDS = 30


def positions() -> list[int | None]:
    return list(ReceivedEvent.objects.order_by("id").values_list("feed_position", flat=True))


def read_after(position: int) -> tuple[list[UUID], int]:
    """Read as the feed does: first the head, then what is up to it."""
    head = head_position()
    rows = ReceivedEvent.objects.filter(feed_position__gt=position, feed_position__lte=head)
    return list(rows.order_by("feed_position").values_list("pk", flat=True)), head


def test_events_get_positions_in_order_of_arrival(suite: Suite) -> None:
    for number in range(3):
        make_event(suite, str(number), minutes=-number)

    number_events()

    assert positions() == [1, 2, 3]
    assert head_position() == 3


def test_a_position_is_kept_and_the_next_one_follows(suite: Suite) -> None:
    make_event(suite)
    number_events()
    make_event(suite)

    number_events()
    number_events()

    assert positions() == [1, 2]


def test_a_position_is_never_given_twice_though_the_last_event_is_gone(suite: Suite) -> None:
    make_event(suite)
    number_events()
    ReceivedEvent.objects.all().delete()
    make_event(suite)

    number_events()

    assert positions() == [2]


def test_after_a_restore_the_feed_goes_on_above_whatever_was_given_since_the_backup(suite: Suite) -> None:
    make_event(suite)
    number_events()
    now = timezone.now()

    call_command("feed", "restored")
    make_event(suite)
    number_events()

    first, second = positions()
    assert first == 1
    assert second > now.timestamp() * 1_000_000
    assert AuditEntry.objects.get(action="feed.restore").details == {"before": 1, "after": second - 1}
    call_command("feed", "restored")
    make_event(suite)
    number_events()
    assert positions()[-1] > second


def test_a_batch_says_that_there_may_be_more(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BATCH", 2)
    for _ in range(3):
        make_event(suite)

    assert [number_events(), number_events(), number_events()] == [True, False, False]
    assert positions() == [1, 2, 3]


def test_where_all_have_positions_one_query_tells(suite: Suite, django_assert_num_queries) -> None:
    make_event(suite)
    number_events()

    with django_assert_num_queries(1):
        number_events()


def test_there_is_one_head_only(db: None) -> None:
    with pytest.raises(Exception, match="feed_has_one_head"), transaction.atomic():
        FeedHead.objects.create(pk=2)


@contextmanager
def committed_late(suite: Suite) -> Iterator[Callable[[], None]]:
    """
    An event whose id is made now and which is committed when the yielded function is called.

    On PostgreSQL it is inserted at once, by a transaction that stays open; on SQLite, where that would lock
    everybody out, with the commit.
    """
    event_id, may_commit, is_inserted = new_id(), threading.Event(), threading.Event()

    def write() -> None:
        if connection.vendor == "sqlite":
            is_inserted.set()
            assert may_commit.wait(PATIENCE_SECONDS)
        with transaction.atomic():
            make_event(suite, "late", id=event_id)
            is_inserted.set()
            assert may_commit.wait(PATIENCE_SECONDS)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(alone(write))
        assert is_inserted.wait(PATIENCE_SECONDS)

        def commit() -> None:
            may_commit.set()
            writing.result(PATIENCE_SECONDS)

        try:
            yield commit
        finally:
            may_commit.set()


@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_committed_late_comes_after_those_that_were_read_meanwhile(suite: Suite) -> None:
    with committed_late(suite) as commit:
        quick = make_event(suite, "quick")
        number_events()
        seen, place = read_after(0)
        assert seen == [quick.pk]

        commit()
        number_events()

    late, _ = read_after(place)
    assert [str(event_id) < str(quick.pk) for event_id in late] == [True], "its id is the older one"


@contextmanager
def being_handled(event: ReceivedEvent) -> Iterator[None]:
    """Hold an event as a slow handler does. On SQLite there is no such thing: one writes, the others wait."""
    is_held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            ReceivedEvent.objects.select_for_update().get(pk=event.pk)
            is_held.set()
            assert may_end.wait(PATIENCE_SECONDS)

    with ThreadPoolExecutor(1) as pool:
        if connection.vendor == "postgresql":
            pool.submit(alone(hold))
            assert is_held.wait(PATIENCE_SECONDS)
        try:
            yield
        finally:
            may_end.set()


@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_being_handled_does_not_hold_up_the_others(suite: Suite) -> None:
    slow, other = make_event(suite, "slow"), make_event(suite, "other")

    with being_handled(slow):
        number_events()
        seen, place = read_after(0)
    number_events()

    assert other.pk in seen
    assert {*seen, *read_after(place)[0]} == {slow.pk, other.pk}


def alone(work: Callable[[], Any]) -> Callable[[], Any]:
    """Do the work with a connection of the thread's own, and close it."""

    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    return run


@pytest.mark.django_db(transaction=True)
def test_many_write_and_number_at_once_and_no_reader_misses_an_event(suite: Suite) -> None:
    """Transactions overlap and commit in another order than they began; readers follow all the while."""
    is_written, is_numbered = threading.Event(), threading.Event()

    def write(writer: int) -> None:
        dice = random.Random(writer)
        for number in range(EVENTS_EACH):
            with transaction.atomic():
                make_event(suite, str(number), corp_id=f"corp{writer}")
                # Long enough for others to begin and end meanwhile, where they can.
                time.sleep(dice.random() / 50)

    def number() -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_written.is_set() or ReceivedEvent.objects.filter(feed_position=None).exists():
            number_events()
            assert time.monotonic() < end

    def follow() -> list[UUID]:
        seen: list[UUID] = []
        place = 0
        while True:
            is_last = is_numbered.is_set()
            some, place = read_after(place)
            seen += some
            if is_last:
                return seen

    with ThreadPoolExecutor(WRITERS + NUMBERERS + READERS) as pool:
        readers = [pool.submit(alone(follow)) for _ in range(READERS)]
        numberers = [pool.submit(alone(number)) for _ in range(NUMBERERS)]
        writers = [pool.submit(alone(lambda w=w: write(w))) for w in range(WRITERS)]
        for writing in writers:
            writing.result(PATIENCE_SECONDS)
        is_written.set()
        for numbering in numberers:
            numbering.result(PATIENCE_SECONDS)
        is_numbered.set()
        seen = [reading.result(PATIENCE_SECONDS) for reading in readers]

    in_order = list(ReceivedEvent.objects.order_by("feed_position").values_list("pk", flat=True))
    assert len(in_order) == WRITERS * EVENTS_EACH
    assert all(one == in_order for one in seen)
    assert sorted(positions()) == list(range(1, len(in_order) + 1))
