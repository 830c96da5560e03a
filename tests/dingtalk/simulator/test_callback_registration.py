"""Callbacks registered for one company, and the list of what could not be pushed."""

from collections.abc import Iterator
from typing import Any

import pytest

from dingtalk.simulator.server import RunningSimulator
from tests.dingtalk.simulator.conftest import make_company, receiving
from tests.dingtalk.simulator.isv import Isv, Receiver, eventually, plainly, saying
from tests.support.callback_signer import Signer

TOKEN, AES_KEY = "companytoken01", "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"
REGISTER, UPDATE = "/call_back/register_call_back", "/call_back/update_call_back"
FAILED = "/call_back/get_call_back_failed_result"


class Tenant:
    """A company that has authorised the suite, and calls with its token."""

    def __init__(self, isv: Isv, corp_id: str) -> None:
        self.isv = isv
        self.corp_id = corp_id
        isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)
        self.query = {"access_token": isv.corp_token(corp_id)}

    def post(self, path: str, **body: Any) -> Any:
        return self.isv.post(path, body, **self.query)

    def get(self, path: str) -> Any:
        return self.isv.call("GET", path, **self.query).json()

    def push(self, event_type: str, time_ms: int, **fields: Any) -> None:
        document = {"EventType": event_type, "TimeStamp": time_ms, "CorpId": self.corp_id, **fields}
        self.isv.remote.push_event(self.isv.suite_key, document)

    def failed_pushes(self) -> list[Any]:
        pushes: list[Any] = self.isv.remote.pushes(suite_key=self.isv.suite_key, state="failed")["pushes"]
        return pushes


@pytest.fixture
def tenant(legacy_isv: Isv, shared_simulator: RunningSimulator) -> Tenant:
    return Tenant(legacy_isv, make_company(shared_simulator))


@pytest.fixture
def company_receiver(tenant: Tenant) -> Iterator[Receiver]:
    """The company's own callback address."""
    with Receiver(Signer(TOKEN, AES_KEY, tenant.isv.suite_key)) as receiver:
        yield receiver


def settings(receiver: Receiver, **changes: Any) -> dict[str, Any]:
    wanted = {"call_back_tag": ["user_add_org"], "token": TOKEN, "aes_key": AES_KEY, "url": receiver.url}
    return {**wanted, **changes}


def test_a_registration_is_checked_kept_replaced_and_removed(tenant: Tenant, company_receiver: Receiver):
    wanted = settings(company_receiver)

    assert tenant.post(REGISTER, **wanted)["errcode"] == 0
    assert company_receiver.documents == [{"EventType": "check_url"}]
    assert tenant.post(REGISTER, **wanted)["errcode"] == 71006
    assert tenant.post(UPDATE, **{**wanted, "call_back_tag": ["org_remove"]})["errcode"] == 0
    kept = tenant.get("/call_back/get_call_back")
    assert {name: kept[name] for name in wanted} == {**wanted, "call_back_tag": ["org_remove"]}
    assert tenant.get("/call_back/delete_call_back")["errcode"] == 0
    assert tenant.get("/call_back/get_call_back")["errcode"] == 71007


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"call_back_tag": ["no_such_tag"]}, 71008),
        ({"call_back_tag": []}, 71010),
        ({"token": "short"}, 71010),
        ({"aes_key": "short"}, 71010),
        ({"url": "portal"}, 71011),
        ({"url": "http://127.0.0.1:9/callback"}, 71012),
    ],
)
def test_what_cannot_be_registered_is_refused(
    tenant: Tenant, company_receiver: Receiver, changes: dict[str, Any], errcode: int
):
    assert tenant.post(REGISTER, **settings(company_receiver, **changes))["errcode"] == errcode
    assert tenant.get("/call_back/get_call_back")["errcode"] == 71007


def test_an_address_that_does_not_answer_success_is_refused(tenant: Tenant, company_receiver: Receiver):
    company_receiver.reply = saying("failure")
    assert tenant.post(REGISTER, **settings(company_receiver))["errcode"] == 71009

    company_receiver.reply = plainly(500, b"")
    assert tenant.post(REGISTER, **settings(company_receiver))["errcode"] == 71012


def test_what_was_given_up_is_listed_and_dropped_by_the_next_call(tenant: Tenant):
    with receiving(tenant.isv) as receiver:
        receiver.reply = plainly(503, b"")
        tenant.push("user_add_org", 1_700_000_000_001, UserId=["user1"])
        tenant.push("bpms_instance_change", 1_700_000_000_002, processInstanceId="p1", type="start")
        eventually(lambda: len(tenant.failed_pushes()) == 2)

    page = tenant.get(FAILED)
    # The two were tried again, and given up, side by side.
    assert sorted(page["failed_list"], key=lambda entry: entry["event_time"]) == [
        {
            "call_back_tag": "user_add_org",
            "event_time": 1_700_000_000_001,
            "user_add_org": {"corpid": tenant.corp_id, "UserId": ["user1"]},
        },
        {
            "call_back_tag": "bpms_instance_change",
            "event_time": 1_700_000_000_002,
            "bpms_instance_change": {
                "corpid": tenant.corp_id,
                "bpmsCallBackData": {"processInstanceId": "p1", "type": "start"},
            },
        },
    ]
    assert page["has_more"] is False
    assert tenant.get(FAILED)["failed_list"] == []
