"""The dispatcher: with a broker, without one, and without a database."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from dingtalk import event_queue, inbox, work
from dingtalk.dispatcher import Dispatcher
from dingtalk.models import EventState, ReceivedEvent, ReceivedPush, Suite
from dingtalk.publisher import Publisher
from dingtalk.routing import Router
from dingtalk.work import WorkQueue
from tests.support.callbacks import Callbacks, sync_push, sync_row
from tests.support.events import NotingHandler, make_event, state_of

pytestmark = pytest.mark.django_db(transaction=True)


class Broker:
    """Takes tasks, or refuses to, or has them worked at once as a worker would."""

    def __init__(self) -> None:
        self.taken: list[UUID] = []
        self.is_away = False

    def take(self, row_id: UUID) -> None:
        if self.is_away:
            raise ConnectionRefusedError
        self.taken.append(row_id)


@pytest.fixture
def broker() -> Broker:
    """Where tasks go."""
    return Broker()


@pytest.fixture
def queue(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> WorkQueue:
    """The queue of events, published to the test's broker; the only queue."""
    queue = WorkQueue(
        name="events",
        claim_due=event_queue.TurnsOfLanes().claim_due,
        run=inbox.handle_lane,
        publish=broker.take,
    )
    monkeypatch.setattr(work, "_queues", {"events": queue})
    return queue


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> NotingHandler:
    """Handles events of the type `noted`."""
    router, handler = Router(), NotingHandler()
    router.on("noted")(handler)
    monkeypatch.setattr(inbox, "routes", router)
    return handler


@pytest.fixture
def new_dispatcher(queue: WorkQueue) -> Iterator[Callable[[], Dispatcher]]:
    """Dispatchers, ended after the test."""
    made: list[Dispatcher] = []

    def make() -> Dispatcher:
        made.append(Dispatcher(publisher=Publisher(pause_seconds=60)))
        return made[-1]

    yield make
    for dispatcher in made:
        dispatcher.close(drop_waiting=False)


def user_push(name: str) -> dict[str, object]:
    return sync_push(sync_row({"syncAction": "noted", "name": name}, biz_id=name))


def test_a_push_is_in_the_feed_after_one_turn(
    callbacks: Callbacks, new_dispatcher: Callable[[], Dispatcher]
) -> None:
    callbacks.push(sync_push(sync_row({"syncAction": "noted"}, biz_id="1"), sync_row({}, biz_id="2")))

    new_dispatcher().run_once()

    assert list(ReceivedEvent.objects.order_by("id").values_list("feed_position", flat=True)) == [1, 2]


def test_a_push_is_split_and_its_event_dispatched(
    callbacks: Callbacks, broker: Broker, new_dispatcher: Callable[[], Dispatcher]
) -> None:
    callbacks.push(user_push("one"))

    new_dispatcher().run_once()

    assert broker.taken == [ReceivedEvent.objects.get().pk]
    assert ReceivedPush.objects.get().split_at is not None


def test_a_task_that_was_taken_is_not_sent_again(
    suite: Suite, broker: Broker, new_dispatcher: Callable[[], Dispatcher]
) -> None:
    make_event(suite, "one")
    dispatcher = new_dispatcher()

    for _ in range(3):
        dispatcher.run_once()

    assert len(broker.taken) == 1


def test_without_a_broker_the_dispatcher_does_the_work_itself(
    suite: Suite, broker: Broker, noted: NotingHandler, new_dispatcher: Callable[[], Dispatcher]
) -> None:
    broker.is_away = True
    dispatcher = new_dispatcher()
    for turn in (range(4), range(4, 8)):
        for number in turn:
            make_event(suite, str(number), corp_id=f"corp{number}")
        dispatcher.run_once()
    dispatcher.close(drop_waiting=False)

    assert sorted(noted.handled) == [str(number) for number in range(8)]


def test_a_task_that_nobody_took_is_worked_by_the_dispatcher_itself(
    suite: Suite, broker: Broker, noted: NotingHandler, new_dispatcher: Callable[[], Dispatcher]
) -> None:
    make_event(suite, "one", dispatched_at=timezone.now() - timedelta(seconds=11))
    dispatcher = new_dispatcher()

    dispatcher.run_once()
    dispatcher.close(drop_waiting=False)

    assert broker.taken == []
    assert noted.handled == ["one"]


def test_two_dispatchers_send_each_task_once(
    callbacks: Callbacks, broker: Broker, new_dispatcher: Callable[[], Dispatcher]
) -> None:
    for number in range(10):
        row = sync_row({"syncAction": "noted"}, corp_id=f"corp{number}")
        callbacks.push(sync_push(row))
    dispatchers = [new_dispatcher(), new_dispatcher()]
    threads = [
        threading.Thread(target=lambda one=one: (one.run_once(), one.run_once(), _close_connection()))
        for one in dispatchers
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert len(broker.taken) == len(set(broker.taken)) == 10


def _close_connection() -> None:
    from django.db import connection

    connection.close()


def test_a_push_that_cannot_be_split_does_not_keep_others_waiting(
    callbacks: Callbacks, new_dispatcher: Callable[[], Dispatcher], caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("one", "two"):
        callbacks.push(user_push(name))
    broken, healthy = ReceivedPush.objects.order_by("id")
    body = ReceivedPush._meta.get_field("body")
    ReceivedPush.objects.filter(pk=broken.pk).update(body=body.encrypt_for(healthy.pk, b"moved"))
    dispatcher = new_dispatcher()

    dispatcher.run_once()
    dispatcher.run_once()

    assert ReceivedPush.objects.get(pk=healthy.pk).split_at is not None
    assert [record.message for record in caplog.records].count("push_not_split") == 1


def test_a_queue_that_fails_is_reported_once_and_does_not_stop_the_others(
    suite: Suite,
    queue: WorkQueue,
    broker: Broker,
    new_dispatcher: Callable[[], Dispatcher],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    is_away = True

    def claim(limit: int) -> list[work.DueRow]:
        if is_away:
            raise OperationalError("the database is away")
        return []

    failing = WorkQueue(name="failing", claim_due=claim, run=queue.run, publish=queue.publish)
    monkeypatch.setattr(work, "_queues", {"failing": failing, "events": queue})
    make_event(suite, "one")
    dispatcher = new_dispatcher()
    caplog.set_level("INFO", logger="dingtalk.dispatcher")

    dispatcher.run_once()
    dispatcher.run_once()
    is_away = False
    dispatcher.run_once()

    assert len(broker.taken) == 1
    messages = [record.message for record in caplog.records if record.name == "dingtalk.dispatcher"]
    assert messages == ["dispatcher_failing", "dispatcher_recovered"]


def test_it_runs_until_it_is_told_to_stop(
    suite: Suite, broker: Broker, new_dispatcher: Callable[[], Dispatcher]
) -> None:
    make_event(suite, "one")
    stop = threading.Event()
    dispatcher = new_dispatcher()

    def run() -> None:
        dispatcher.run(stop)
        _close_connection()

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 10
    while not broker.taken and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join(timeout=10)

    assert len(broker.taken) == 1
    assert not thread.is_alive()


def test_the_command_takes_one_turn_and_finishes_its_work(
    suite: Suite, broker: Broker, noted: NotingHandler, queue: WorkQueue
) -> None:
    broker.is_away = True
    event = make_event(suite, "one")

    call_command("dispatcher", "--once")

    assert state_of(event) == EventState.HANDLED
