import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dingtalk.protocol.errors import MalformedEvent
from dingtalk.protocol.events import read_push
from dingtalk.protocol.grant import Agent, read_grant
from tests.support.protocol_fixtures import load_event

CORP_ID = "ding7f3c91a05be842d6a1e0"


def recorded_grant(name="org_suite_auth"):
    (event,) = read_push(json.dumps(load_event(name)).encode()).events()
    return event.data


def test_a_pushed_grant_is_read_whole():
    grant = read_grant(recorded_grant())

    assert (grant.corp_id, grant.corp_name, grant.auth_level) == (CORP_ID, "青竹文具😀", 2)
    assert (grant.full_corp_name, grant.industry) == ("杭州青竹文具有限公司", "文化用品")
    assert grant.logo_url == "https://static.example.com/qingzhu.png"
    assert (grant.is_authenticated, grant.is_ecological_corp) == (True, False)
    assert grant.agents == [
        Agent(
            2718281828, 65537, "考勤助手", "https://static.example.com/app.png", ("manager0407", "boss0001")
        )
    ]
    assert grant.admin_user_ids == ["manager0407", "boss0001"]
    assert grant.auth_user_id == "manager0407"
    assert grant.auth_scope == {
        "user_ids": ["manager0407"],
        "dept_ids": [1],
        "user_fields": ["name", "avatar", "position"],
    }
    assert grant.permanent_code == "samplePermanentCode0001"


def test_an_app_id_given_as_text_is_a_number():
    assert read_grant(recorded_grant("org_suite_change")).agents[0].app_id == 65537


def test_the_permanent_code_is_not_shown():
    assert "samplePermanentCode0001" not in repr(read_grant(recorded_grant()))


def test_an_answer_without_scope_and_code_says_so():
    data = recorded_grant()
    answer = {name: data[name] for name in ("auth_corp_info", "auth_info", "auth_user_info")}

    grant = read_grant(answer | {"errcode": 0, "errmsg": "ok"})

    assert (grant.auth_scope, grant.permanent_code) == (None, None)


def test_an_answer_of_the_new_api_is_read_with_the_corp_id_of_the_caller():
    answer = {
        "authCorpInfo": {
            "corpName": "青竹文具",
            "authLevel": 1,
            "corpLogoUrl": "https://static.example.com/l.png",
        },
        "authAppInfo": {
            "agentList": [{"agentId": 7, "agentName": "考勤助手", "appId": 8, "adminList": ["u1"]}]
        },
        "authUserInfo": {"userId": "u1"},
    }

    grant = read_grant(answer, corp_id=CORP_ID)

    assert (grant.corp_id, grant.corp_name, grant.auth_user_id) == (CORP_ID, "青竹文具", "u1")
    assert grant.agents == [Agent(7, 8, "考勤助手", "", ("u1",))]


@pytest.mark.parametrize(
    "info", [None, {}, [], "x", {"corpid": ""}, {"corpid": {"a": 1}}, {"corpid": "x" * 65}]
)
def test_a_grant_that_names_no_company_is_malformed(info):
    with pytest.raises(MalformedEvent):
        read_grant({"auth_corp_info": info})


def test_a_grant_of_another_company_than_expected_is_malformed():
    with pytest.raises(MalformedEvent):
        read_grant(recorded_grant(), corp_id="dingother")


def test_empty_scope_lists_may_be_missing():
    grant = read_grant(
        {"auth_corp_info": {"corpid": "ding1"}, "auth_scope": {"auth_org_scopes": {"errmsg": "ok"}}}
    )

    assert grant.auth_scope == {"user_ids": [], "dept_ids": [], "user_fields": []}


@pytest.mark.parametrize("value", ["true", "TRUE", 1, "1", True])
def test_a_truth_value_comes_in_many_forms(value):
    assert (
        read_grant({"auth_corp_info": {"corpid": "ding1", "is_authenticated": value}}).is_authenticated
        is True
    )


def test_an_odd_agent_is_dropped_and_the_others_stay():
    agents = [
        None,
        {"agentid": "no"},
        {"agentid": 2**70},
        {"agentid": "12", "appid": [], "admin_list": ["u", 5, None]},
    ]

    grant = read_grant({"auth_corp_info": {"corpid": "ding1"}, "auth_info": {"agent": agents}})

    assert grant.agents == [Agent(12, None, "", "", ("u", "5"))]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PARTS = ["auth_corp_info", "auth_info", "auth_user_info", "auth_scope", "permanent_code"]


@settings(max_examples=80, deadline=None)
@given(
    changes=st.dictionaries(st.sampled_from(PARTS[1:]), ANYTHING),
    profile=st.dictionaries(
        st.sampled_from(["corp_name", "auth_level", "is_authenticated", "industry"]), ANYTHING
    ),
)
def test_wrong_types_anywhere_are_dropped(changes, profile):
    data = recorded_grant() | changes
    data["auth_corp_info"] = data["auth_corp_info"] | profile

    assert read_grant(data).corp_id == CORP_ID
