"""What the gate costs each call: nothing that could be seen beside a call over the network."""

import time

from dingtalk.client.discipline import Limits, new_gate
from tests.dingtalk.client.discipline.gates import request_of

CALLS = 1_000
MOST_MICROSECONDS = 50.0


def test_letting_a_call_out_and_noting_its_answer_takes_microseconds_of_the_processor():
    gate = new_gate(limits=Limits(calls_per_second=10**6, calls_per_20_seconds=10**6))
    requests = [request_of(corp_id=f"ding{number}") for number in range(CALLS)]

    def round_of_calls() -> float:
        began = time.thread_time()
        for request in requests:
            gate.note_answer(gate.admit(request))
        return (time.thread_time() - began) / CALLS * 1e6

    assert min(round_of_calls() for _ in range(5)) < MOST_MICROSECONDS
