"""What companies do, and the events that say so in each push mode."""

import json
from typing import Any

import pytest

from tests.dingtalk.simulator.isv import Isv, Receiver, eventually

SWITCHES = [("stop", "stopped"), ("restore", "normal"), ("remove", "removed")]


def data_of(document: dict[str, Any]) -> dict[str, Any]:
    """The content of the one row of a push."""
    (row,) = document["bizData"]
    assert isinstance(row["biz_data"], str)
    return json.loads(row["biz_data"])


def authorize(isv: Isv, corp_id: str) -> None:
    isv.remote.act(isv.suite_key, corp_id, "authorize", silent=True)


def test_a_grant_arrives_as_a_row_with_everything(sync_isv: Isv, sync_receiver: Receiver, corp_id: str):
    result = sync_isv.remote.act(sync_isv.suite_key, corp_id, "authorize", platform_time_ms=1700000000123)

    (document,) = sync_receiver.documents
    (row,) = document["bizData"]
    grant = sync_isv.grant(corp_id)
    assert result["accepted"] is True
    assert document["EventType"] == "SYNC_HTTP_PUSH_HIGH"
    assert (row["biz_type"], row["corp_id"], row["status"]) == (4, corp_id, 0)
    assert row["gmt_create"] == row["gmt_modified"] == 1700000000123
    assert row["subscribe_id"] == f"{row['biz_id']}_0"
    data = data_of(document)
    assert data["syncAction"] == "org_suite_auth"
    assert data["permanent_code"] == grant["permanent_code"]
    assert data["auth_corp_info"]["corp_name"] == "苏州平江茶业"
    assert data["auth_info"]["agent"][0]["agentid"] == grant["agent_id"]
    assert data["auth_scope"]["auth_org_scopes"]["authed_dept"] == [1]
    assert grant["activated"] is True


def test_a_legacy_grant_arrives_as_the_same_code_three_times(
    legacy_isv: Isv, legacy_receiver: Receiver, corp_id: str
):
    result = legacy_isv.remote.act(legacy_isv.suite_key, corp_id, "authorize")

    assert result["accepted"] is True
    assert len(legacy_receiver.documents) == 3
    assert all(document == legacy_receiver.documents[0] for document in legacy_receiver.documents)
    document = legacy_receiver.documents[0]
    assert set(document) == {"SuiteKey", "EventType", "TimeStamp", "AuthCorpId", "AuthCode"}
    assert document["EventType"] == "tmp_auth_code"
    assert document["AuthCode"] == legacy_isv.grant(corp_id)["unspent_codes"][0]
    assert legacy_isv.grant(corp_id)["activated"] is False


def test_a_legacy_grant_can_have_another_code_each_time(
    legacy_isv: Isv, legacy_receiver: Receiver, corp_id: str
):
    legacy_isv.remote.act(legacy_isv.suite_key, corp_id, "authorize", deliveries=2, different_codes=True)

    codes = {document["AuthCode"] for document in legacy_receiver.documents}
    assert codes == set(legacy_isv.grant(corp_id)["unspent_codes"])
    assert len(codes) == 2


@pytest.mark.parametrize(("action", "state"), SWITCHES)
def test_a_switch_of_the_app_arrives_as_a_row(
    sync_isv: Isv, sync_receiver: Receiver, corp_id: str, action: str, state: str
):
    authorize(sync_isv, corp_id)

    sync_isv.remote.act(sync_isv.suite_key, corp_id, action)

    (document,) = sync_receiver.documents
    assert document["bizData"][0]["biz_type"] == 7
    data = data_of(document)
    assert data["syncAction"] == f"org_micro_app_{action}"
    assert data["agentId"] == sync_isv.grant(corp_id)["agent_id"]
    assert sync_isv.grant(corp_id)["app_state"] == state


@pytest.mark.parametrize(("action", "state"), SWITCHES)
def test_a_switch_of_the_app_arrives_as_a_legacy_event(
    legacy_isv: Isv, legacy_receiver: Receiver, corp_id: str, action: str, state: str
):
    authorize(legacy_isv, corp_id)

    legacy_isv.remote.act(legacy_isv.suite_key, corp_id, action)

    (document,) = legacy_receiver.documents
    assert document["EventType"] == f"org_micro_app_{action}"
    assert document["AgentId"] == legacy_isv.grant(corp_id)["agent_id"]
    assert isinstance(document["AppId"], int)
    assert legacy_isv.grant(corp_id)["app_state"] == state


def test_a_changed_scope_arrives_with_the_new_scope(sync_isv: Isv, sync_receiver: Receiver, corp_id: str):
    authorize(sync_isv, corp_id)

    sync_isv.remote.act(sync_isv.suite_key, corp_id, "change", dept_ids=[2], user_ids=["lisi"])

    data = data_of(sync_receiver.documents[0])
    assert data["syncAction"] == "org_suite_change"
    assert data["auth_scope"]["auth_org_scopes"] == {"authed_user": ["lisi"], "authed_dept": [2]}


def test_a_changed_scope_arrives_without_data_in_the_legacy_form(
    legacy_isv: Isv, legacy_receiver: Receiver, corp_id: str
):
    authorize(legacy_isv, corp_id)

    legacy_isv.remote.act(legacy_isv.suite_key, corp_id, "change")

    (document,) = legacy_receiver.documents
    assert set(document) == {"SuiteKey", "EventType", "TimeStamp", "AuthCorpId"}
    assert document["EventType"] == "change_auth"
    assert isinstance(document["TimeStamp"], int)


def test_a_change_without_a_scope_changes_it_each_time(sync_isv: Isv, corp_id: str):
    authorize(sync_isv, corp_id)

    scopes = [
        sync_isv.remote.act(sync_isv.suite_key, corp_id, "change", silent=True)["grant"]["auth_scope"]
        for _ in range(2)
    ]

    assert scopes[0]["authed_dept"] == [2]
    assert scopes[1]["authed_dept"] == [1]


def test_a_new_visible_range_arrives_as_json_text(sync_isv: Isv, sync_receiver: Receiver, corp_id: str):
    authorize(sync_isv, corp_id)

    sync_isv.remote.act(sync_isv.suite_key, corp_id, "scope-update", dept_ids=[3], user_ids=["lisi"])

    data = data_of(sync_receiver.documents[0])
    assert data["syncAction"] == "org_micro_app_scope_update"
    assert json.loads(data["userVisibleScopes"]) == ["lisi"]
    assert json.loads(data["deptVisibleScopes"]) == [3]


def test_a_withdrawal_arrives_bare(sync_isv: Isv, sync_receiver: Receiver, corp_id: str):
    authorize(sync_isv, corp_id)

    sync_isv.remote.act(sync_isv.suite_key, corp_id, "relieve")

    (document,) = sync_receiver.documents
    assert document["bizData"][0]["corp_id"] == corp_id
    assert set(data_of(document)) == {"syncAction", "syncSeq"}
    assert sync_isv.grant(corp_id)["state"] == "relieved"


def test_a_legacy_withdrawal_has_its_time_as_text(legacy_isv: Isv, legacy_receiver: Receiver, corp_id: str):
    authorize(legacy_isv, corp_id)

    legacy_isv.remote.act(legacy_isv.suite_key, corp_id, "relieve", platform_time_ms=12351458245)

    (document,) = legacy_receiver.documents
    assert document["EventType"] == "suite_relieve"
    assert document["TimeStamp"] == "12351458245"


def test_a_new_row_replaces_the_old_one_under_a_higher_id(
    sync_isv: Isv, sync_receiver: Receiver, corp_id: str
):
    for action in ("authorize", "change", "relieve"):
        sync_isv.remote.act(sync_isv.suite_key, corp_id, action)

    rows = [document["bizData"][0] for document in sync_receiver.documents]
    assert len({(row["subscribe_id"], row["corp_id"], row["biz_id"], row["biz_type"]) for row in rows}) == 1
    assert [row["id"] for row in rows] == sorted({row["id"] for row in rows})
    assert [row["gmt_modified"] for row in rows] == sorted({row["gmt_modified"] for row in rows})


def test_a_silent_deed_changes_the_state_and_pushes_nothing(
    sync_isv: Isv, sync_receiver: Receiver, corp_id: str
):
    result = sync_isv.remote.act(sync_isv.suite_key, corp_id, "authorize", silent=True)

    assert result["pushes"] == []
    assert result["accepted"] is None
    assert sync_isv.grant(corp_id)["state"] == "authorized"
    assert sync_receiver.documents == []


def test_what_an_unsent_deed_would_push_is_shown_and_left_to_whoever_asked(
    sync_isv: Isv, sync_receiver: Receiver, corp_id: str
):
    result = sync_isv.remote.act(sync_isv.suite_key, corp_id, "authorize", unsent=True)

    [push] = result["pushes"]
    assert push["document"]["bizData"][0]["corp_id"] == corp_id
    assert sync_isv.grant(corp_id)["state"] == "authorized"
    assert sync_receiver.documents == []


def test_a_stale_event_is_pushed_and_changes_nothing(isv: Isv, corp_id: str):
    authorize(isv, corp_id)
    before = isv.grant(corp_id)

    result = isv.remote.act(isv.suite_key, corp_id, "relieve", platform_time_ms=1, stale=True)

    assert len(result["pushes"]) == 1
    assert isv.grant(corp_id) == before


def test_an_event_can_be_delivered_several_times(sync_isv: Isv, sync_receiver: Receiver, corp_id: str):
    sync_isv.remote.act(sync_isv.suite_key, corp_id, "authorize", deliveries=3)

    assert len(sync_receiver.documents) == 3
    assert all(document == sync_receiver.documents[0] for document in sync_receiver.documents)


@pytest.mark.parametrize("action", ["change", "stop", "restore", "remove", "scope-update", "relieve"])
def test_without_a_grant_there_is_nothing_to_act_on(isv: Isv, corp_id: str, action: str):
    path = f"/_sim/suites/{isv.suite_key}/companies/{corp_id}/{action}"

    answer = isv.call("POST", path, {})

    assert answer.status_code == 409


def test_a_waiting_company_is_pushed_again_on_request(
    legacy_isv: Isv, legacy_receiver: Receiver, corp_id: str
):
    authorize(legacy_isv, corp_id)
    legacy_isv.remote.act(legacy_isv.suite_key, corp_id, "stop", silent=True)
    token = legacy_isv.suite_token()

    answer = legacy_isv.post(
        "/service/reauth_corp", {"corpid_list": json.dumps([corp_id])}, suite_access_token=token
    )

    assert answer["errcode"] == 0
    (document,) = eventually(lambda: list(legacy_receiver.documents))
    assert document["AuthCode"] in legacy_isv.grant(corp_id)["unspent_codes"]
    assert legacy_isv.grant(corp_id)["app_state"] == "stopped"


def test_a_ticket_arrives_as_a_row_of_the_isv_itself(sync_isv: Isv, sync_receiver: Receiver):
    sync_isv.remote.push_ticket(sync_isv.suite_key)

    (document,) = sync_receiver.documents
    row = document["bizData"][0]
    suite = sync_isv.remote.suite(sync_isv.suite_key)
    assert (row["biz_type"], row["corp_id"]) == (2, suite["isv_corp_id"])
    assert data_of(document)["suiteTicket"] == suite["suite_ticket"]


def test_a_ticket_arrives_as_a_legacy_event(legacy_isv: Isv, legacy_receiver: Receiver):
    legacy_isv.remote.push_ticket(legacy_isv.suite_key)

    (document,) = legacy_receiver.documents
    assert document["EventType"] == "suite_ticket"
    assert document["SuiteKey"] == legacy_isv.suite_key
    assert document["SuiteTicket"] == legacy_isv.ticket
