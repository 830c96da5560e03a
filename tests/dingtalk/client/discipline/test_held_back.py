from dingtalk.client.discipline.held_back import LOG_EVERY_SECONDS, HeldBackCalls
from dingtalk.client.discipline.scopes import Party
from dingtalk.protocol.errors import HeldBack, HoldReason
from tests.dingtalk.client.discipline.gates import StillClock


def error(reason: HoldReason = HoldReason.IP_BAN) -> HeldBack:
    return HeldBack(endpoint="/service/x", reason=reason, scope="every call", retry_after_seconds=300)


def test_many_calls_are_counted_and_said_in_one_line_now_and_then(caplog):
    clock = StillClock()
    calls = HeldBackCalls(clock=clock)
    party = Party("suite1", "ding1", "/service/x")

    for _ in range(100):
        calls.note(error(), party)
    clock.now += LOG_EVERY_SECONDS
    calls.note(error(), party)
    calls.note(error(HoldReason.BREAKER), party)

    said = [(record.reason, record.calls) for record in caplog.records]
    assert said == [("ip_ban", 1), ("ip_ban", 100), ("breaker", 1)]
    assert calls.counts() == {"ip_ban": 101, "breaker": 1}
    assert {(record.suite_key, record.corp_id) for record in caplog.records} == {("suite1", "ding1")}
