"""Misbehaviour: what a client or a receiver sees of each kind."""

import time

import pytest
import requests

from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_company, make_isv, receiving
from tests.dingtalk.simulator.isv import Isv, eventually

OLD, NEW = "/service/get_suite_token", "/v1.0/oauth2/suiteAccessToken"


@pytest.fixture
def isv(own_simulator: RunningSimulator) -> Isv:
    return make_isv(own_simulator, push_mode="http")


@pytest.mark.parametrize("path", [OLD, NEW])
@pytest.mark.parametrize("kind", ["reset", "hang", "drop_answer"])
def test_a_connection_is_cut_without_an_answer(isv: Isv, path: str, kind: str):
    isv.remote.add_fault(endpoint=path, kind=kind, seconds=0.05)

    with pytest.raises(requests.ConnectionError):
        isv.call("POST", path, {})

    assert isv.call("POST", path, {}).status_code in (200, 400)


def test_a_dropped_answer_has_acted_before(isv: Isv, own_simulator: RunningSimulator):
    corp_id = make_company(own_simulator)
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
    (code,) = isv.grant(corp_id)["unspent_codes"]
    isv.remote.add_fault(endpoint="/service/get_permanent_code", kind="drop_answer")
    token = isv.suite_token()

    with pytest.raises(requests.ConnectionError):
        isv.post("/service/get_permanent_code", {"tmp_auth_code": code}, suite_access_token=token)

    again = isv.post("/service/get_permanent_code", {"tmp_auth_code": code}, suite_access_token=token)
    assert again["errcode"] == 40078


def test_a_delayed_call_is_answered_late(isv: Isv):
    isv.remote.add_fault(endpoint=OLD, kind="delay", seconds=0.2)
    started = time.monotonic()

    answer = isv.post(OLD, {})

    assert time.monotonic() - started >= 0.2
    assert answer["errcode"] == 41021


def test_a_server_error_and_a_page_are_no_json(isv: Isv):
    isv.remote.add_fault(endpoint=OLD, kind="http_500")
    isv.remote.add_fault(endpoint=OLD, kind="html")

    error, page = isv.call("POST", OLD, {}), isv.call("POST", OLD, {})

    assert error.status_code == 500
    assert page.status_code == 200
    assert "<html>" in page.text


def test_a_bad_gateway_and_an_empty_answer_are_no_json(isv: Isv):
    isv.remote.add_fault(endpoint=OLD, kind="http_502")
    isv.remote.add_fault(endpoint=OLD, kind="empty")

    gateway, empty = isv.call("POST", OLD, {}), isv.call("POST", OLD, {})

    assert (gateway.status_code, "502" in gateway.text) == (502, True)
    assert (empty.status_code, empty.content) == (200, b"")


def test_a_dripping_answer_comes_byte_by_byte(isv: Isv):
    isv.remote.add_fault(endpoint=OLD, kind="drip", seconds=2)
    started = time.monotonic()

    answer = isv.call("POST", OLD, {})

    assert time.monotonic() - started >= 2
    assert answer.json() == {}


def test_an_old_client_meets_a_dripping_answer_too(isv: Isv):
    isv.remote.add_fault(endpoint="/topapi/user/listid", kind="drip", seconds=0)

    assert isv.call("POST", "/router/rest?method=dingtalk.oapi.user.listid", {}).json() == {}


def test_an_endless_answer_is_sent_only_as_far_as_it_is_read(isv: Isv):
    isv.remote.add_fault(endpoint=OLD, kind="endless")
    read = 0

    with requests.post(isv.remote.base_url + OLD, json={}, stream=True, timeout=5) as answer:
        for chunk in answer.iter_content(65_536):
            read += len(chunk)
            if read > 2 * 1_048_576:
                break

    assert read > 2 * 1_048_576
    assert isv.post(OLD, {})["errcode"] == 41021


def test_an_88_names_the_code_that_decides(isv: Isv):
    isv.remote.add_fault(endpoint=OLD, kind="errcode", code=88, sub_code="90018")

    answer = isv.post(OLD, {})

    assert (answer["errcode"], answer["sub_code"]) == (88, "90018")


def test_a_fault_by_chance_meets_the_same_calls_for_the_same_seed(isv: Isv):
    def calls_met() -> list[bool]:
        isv.remote.add_fault(endpoint=OLD, kind="http_500", count=None, chance=0.3, seed=7)
        met = [isv.call("POST", OLD, {}).status_code == 500 for _ in range(60)]
        isv.remote.clear_faults()
        return met

    first, second = calls_met(), calls_met()

    assert first == second
    assert 9 <= sum(first) <= 27


def test_a_ban_has_no_errcode(isv: Isv):
    isv.remote.add_fault(endpoint="*", kind="ip_ban")

    answer = isv.post(OLD, {})

    assert answer["status"] == 1111
    assert "errcode" not in answer


def test_a_rate_limit_speaks_each_family(isv: Isv):
    isv.remote.add_fault(endpoint="*", kind="rate_limit", count=2)

    old, new = isv.call("POST", OLD, {}), isv.call("POST", NEW, {})

    assert (old.status_code, old.json()["errcode"]) == (200, 90018)
    assert new.status_code == 403
    assert new.json()["code"].startswith("Forbidden.AccessDenied.Qps")


def test_any_code_can_be_answered(isv: Isv):
    isv.remote.add_fault(endpoint=OLD, kind="errcode", code=40085)
    isv.remote.add_fault(endpoint=NEW, kind="errcode", code="invalidSuiteTicket")

    old, new = isv.call("POST", OLD, {}), isv.call("POST", NEW, {})

    assert old.json()["errcode"] == 40085
    assert (new.status_code, new.json()["code"]) == (400, "invalidSuiteTicket")


def test_a_fault_with_a_company_in_its_path_matches_any_company(isv: Isv):
    isv.remote.add_fault(endpoint="/v1.0/oauth2/{corpId}/token", kind="http_500")

    assert isv.call("POST", "/v1.0/oauth2/dingany/token", {}).status_code == 500
    assert isv.remote.calls(endpoint="/v1.0/oauth2/{corpId}/token")["calls"][0]["fault"] == "http_500"


def test_a_fault_ends_by_its_count_or_when_it_is_cleared(isv: Isv):
    isv.remote.add_fault(endpoint=OLD, kind="html", count=1)
    isv.remote.add_fault(endpoint=NEW, kind="http_500", count=None)

    isv.call("POST", OLD, {})
    statuses = [isv.call("POST", NEW, {}).status_code for _ in range(3)]

    assert isv.post(OLD, {})["errcode"] == 41021
    assert statuses == [500, 500, 500]
    assert isv.remote.clear_faults() == {"cleared": 1}
    assert isv.call("POST", NEW, {}).status_code == 400


def test_the_ledger_tells_which_calls_a_fault_met(isv: Isv):
    isv.remote.add_fault(endpoint=OLD, kind="html")
    isv.call("POST", OLD, {})

    (call,) = isv.remote.calls(endpoint=OLD)["calls"]

    assert (call["fault"], call["code"]) == ("html", "html")


@pytest.mark.parametrize(
    "order",
    [
        {"endpoint": "/nothing", "kind": "html"},
        {"endpoint": OLD, "kind": "nothing"},
        {"endpoint": OLD, "kind": "errcode", "code": "text"},
        {"endpoint": NEW, "kind": "errcode", "code": 1},
        {"endpoint": OLD, "kind": "html", "count": 0},
        {"endpoint": OLD, "kind": "hang", "seconds": -1},
        {"endpoint": OLD, "kind": "html", "chance": 0},
        {"endpoint": OLD, "kind": "html", "chance": 1.5},
        {"endpoint": OLD, "kind": "html", "seed": "text"},
        {"endpoint": "push", "kind": "html"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(isv: Isv, order: dict):
    assert isv.call("POST", "/_sim/faults", order).status_code == 400
    assert isv.call("GET", "/_sim/faults").json() == {"faults": []}


def test_a_lost_push_never_arrives_and_is_repeated(isv: Isv):
    with receiving(isv) as receiver:
        isv.remote.add_fault(endpoint="push", kind="reset")

        result = isv.remote.push_event(isv.suite_key, {"EventType": "x"})

        assert result["accepted"] is False
        assert eventually(lambda: list(receiver.documents)) == [{"EventType": "x"}]


def test_a_push_whose_answer_is_lost_arrives_twice(isv: Isv):
    with receiving(isv) as receiver:
        isv.remote.add_fault(endpoint="push", kind="drop_answer")

        result = isv.remote.push_event(isv.suite_key, {"EventType": "x"})

        assert result["accepted"] is False
        assert eventually(lambda: len(receiver.documents) == 2)


def test_a_delayed_push_arrives_late_and_in_time(isv: Isv):
    with receiving(isv):
        isv.remote.add_fault(endpoint="push", kind="delay", seconds=0.2)
        started = time.monotonic()

        result = isv.remote.push_event(isv.suite_key, {"EventType": "x"})

        assert time.monotonic() - started >= 0.2
        assert result["accepted"] is True
        assert result["pushes"][0]["attempts"][0]["elapsed_ms"] < 1200
