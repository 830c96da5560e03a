"""Authentic events with fields missing, repeated, misnamed or of other types: received, split and handled."""

import json
import random
from typing import Any

from django.utils import timezone

from dingtalk.inbox import handle_lane
from dingtalk.lanes import first_due_events
from dingtalk.models import WAITING_STATES, ReceivedEvent, ReceivedPush
from dingtalk.splitting import split_push
from tests.support.callbacks import CORP_ID, Callbacks
from tests.support.protocol_fixtures import event_names, load_event

CASES = 150
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 2, 4, 13, 2**31, 2**63, 10**50, 1.5, 1e15, 1e300),
    *("", "x", "\x00", "😀", "\u202e", "٣", "-1", "1700000000000", "{}", "null", '{"a":', CORP_ID),
    *("x" * 300, "x" * 70_000, [], {}, [None], {"a": {"b": [1]}}, 253_402_300_799_999),
]
NAMES = ["EventType", "SuiteKey", "corp_id", "biz_type", "", "\x00", "CorpId"]


def mutated(chance: random.Random, value: Any) -> Any:
    """A copy with a few things wrong, also inside of JSON that comes as a text."""
    if isinstance(value, dict):
        return dict(_mutated_member(chance, *member) for member in value.items() if chance.random() > 0.06)
    if isinstance(value, list):
        return [mutated(chance, item) for item in value for _ in range(chance.choice([0, 1, 1, 1, 2]))]
    if isinstance(value, str) and value.startswith("{"):
        return json.dumps(mutated(chance, json.loads(value)))
    return value


def _mutated_member(chance: random.Random, name: str, value: Any) -> tuple[str, Any]:
    kind = chance.random()
    if kind < 0.12:
        return name, chance.choice(VALUES)
    return (chance.choice(NAMES) if kind < 0.17 else name), mutated(chance, value)


def test_whatever_is_authentic_ends_up_in_some_state(callbacks: Callbacks) -> None:
    chance = random.Random(20260822)
    names = event_names()

    for _ in range(CASES):
        document = mutated(chance, load_event(chance.choice(names)))
        assert callbacks.push(document).status_code in {200, 400}, document
    for push_id in ReceivedPush.objects.values_list("pk", flat=True):
        assert split_push(push_id, now=timezone.now())
    for _ in range(CASES):
        for event_id in list(first_due_events().values_list("pk", flat=True)):
            handle_lane(event_id)

    assert ReceivedEvent.objects.count() > CASES / 3
    assert not ReceivedEvent.objects.filter(state__in=WAITING_STATES, attempts=0).exists()
