"""Which pushes are split next."""

import pytest

from dingtalk import split_queue
from dingtalk.models import ReceivedEvent, ReceivedPush
from dingtalk.split_queue import TOGETHER, Splitter
from dingtalk.work import Progress
from tests.support.callbacks import Callbacks, sync_push, sync_row

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a turn be over after its first batch."""
    monkeypatch.setattr(split_queue, "SECONDS_PER_TURN", 0.0001)


def push_of(callbacks: Callbacks, corp_id: str, number: int) -> None:
    callbacks.push(sync_push(sync_row({"syncAction": "noted"}, corp_id=corp_id, biz_id=str(number))))


def test_turn_after_turn_all_that_waits_is_split(callbacks: Callbacks) -> None:
    for number in range(TOGETHER + 3):
        push_of(callbacks, "dingbusy", number)
    splitter = Splitter()

    while splitter.split_some() is not Progress.NONE:
        pass

    assert ReceivedEvent.objects.count() == TOGETHER + 3


def test_who_comes_behind_many_pushes_is_split_in_the_next_turn(
    callbacks: Callbacks, one_batch: None
) -> None:
    for number in range(2 * TOGETHER):
        push_of(callbacks, "dingbusy", number)
    push_of(callbacks, "dingquiet", 0)

    assert Splitter().split_some() is Progress.MORE

    assert ReceivedEvent.objects.filter(corp_id="dingquiet").exists()
    oldest = ReceivedPush.objects.earliest("id")
    assert oldest.split_at is not None


def test_large_pushes_are_not_split_together_with_whoever_comes_behind_them(
    callbacks: Callbacks, one_batch: None
) -> None:
    for number in range(3):
        rows = [
            sync_row({"syncAction": "noted"}, corp_id="dingbusy", biz_id=f"{number} {row}")
            for row in range(100)
        ]
        callbacks.push(sync_push(*rows))
    push_of(callbacks, "dingquiet", 0)
    splitter = Splitter()

    assert splitter.split_some() is Progress.MORE
    assert ReceivedEvent.objects.count() == 100
    splitter.split_some()

    assert ReceivedEvent.objects.filter(corp_id="dingquiet").exists()


def test_a_push_that_cannot_be_split_keeps_none_of_its_batch_from_it(callbacks: Callbacks) -> None:
    for number in range(4):
        push_of(callbacks, "dingbusy", number)
    broken, *healthy = ReceivedPush.objects.order_by("id")
    body = ReceivedPush._meta.get_field("body")
    ReceivedPush.objects.filter(pk=broken.pk).update(body=body.encrypt_for(healthy[0].pk, b"moved"))
    splitter = Splitter()

    splitter.split_some()

    assert list(ReceivedPush.objects.filter(split_at=None)) == [broken]
    assert splitter.split_some() is Progress.NONE
