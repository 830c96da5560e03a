"""Seeds: what they may say, and the state that is written out."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from dingtalk.simulator.seed import read_seed
from dingtalk.simulator.seed_values import SeedError
from dingtalk.simulator.server import RunningSimulator, Simulator
from tests.dingtalk.simulator.isv import Isv

SEED: dict[str, Any] = {
    "suites": [
        {
            "suite_id": "880002",
            "suite_key": "suiteseeded",
            "suite_secret": "secret-of-the-seed",
            "token": "token1",
            "encoding_aes_key": "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij",
            "name": "种子应用",
            "push_mode": "http",
            "callback_url": "http://127.0.0.1:1/callback",
        }
    ],
    "companies": [
        {
            "corp_id": "dingseeded",
            "name": "种子企业",
            "departments": [{"dept_id": 7, "name": "财务部"}],
            "users": [{"userid": "a", "name": "甲"}, {"userid": "b", "name": "乙", "dept_id_list": [7]}],
            "admin": "b",
        }
    ],
    "one_time_codes": [{"code": "code-of-the-seed"}],
}


def test_what_a_seed_names_is_there_and_its_code_can_be_spent(tmp_path: Path):
    state_path = tmp_path / "state.json"
    with RunningSimulator(seed=SEED, state_out=state_path) as simulator:
        state = json.loads(state_path.read_text())
        isv = Isv(simulator.remote, state["suites"][0])
        body = {"tmp_auth_code": state["one_time_codes"][0]["code"]}
        answer = isv.post("/service/get_permanent_code", body, suite_access_token=isv.suite_token())
        after = json.loads(state_path.read_text())

    (suite,), (company,) = state["suites"], state["companies"]
    assert {name: suite[name] for name in SEED["suites"][0]} == SEED["suites"][0]
    assert company["admin_userid"] == "b"
    assert [each["dept_id"] for each in company["departments"]] == [1, 7]
    assert [user["userid"] for user in company["users"]] == ["a", "b"]
    assert state["base_url"] == simulator.base_url
    assert answer["permanent_code"] == state["grants"][0]["permanent_code"]
    assert after["one_time_codes"][0] == {
        "code": "code-of-the-seed",
        "suite_key": "suiteseeded",
        "corp_id": "dingseeded",
        "spent": True,
    }


def test_the_state_file_is_for_its_owner_and_goes_when_the_simulator_ends(tmp_path: Path):
    state_path = tmp_path / "state.json"
    with RunningSimulator(state_out=state_path) as simulator:
        mode = stat.S_IMODE(state_path.stat().st_mode)
        ticket = json.loads(state_path.read_text())["suites"][0]["suite_ticket"]
        suite_key = json.loads(state_path.read_text())["suites"][0]["suite_key"]
        simulator.remote.push_ticket(suite_key)
        new_ticket = json.loads(state_path.read_text())["suites"][0]["suite_ticket"]

    assert mode == 0o600
    assert new_ticket != ticket
    assert list(tmp_path.iterdir()) == []


def test_without_a_seed_there_are_two_suites_and_three_companies():
    state = Simulator().describe()

    assert [suite["push_mode"] for suite in state["suites"]] == ["sync_http", "http"]
    assert len(state["companies"]) == 3
    assert [len(company["users"]) for company in state["companies"]] == [240, 3, 3]
    assert state["grants"] == []


def test_two_worlds_share_no_secret():
    first, second = (Simulator().describe()["suites"][0] for _ in range(2))

    for name in ("suite_key", "suite_secret", "token", "encoding_aes_key", "suite_ticket"):
        assert first[name] != second[name]


def test_grants_can_be_seeded():
    seed = {
        "suites": [{"suite_key": "suiteone", "push_mode": "http"}, {"suite_key": "suitetwo"}],
        "companies": [{"corp_id": "dinga", "authorized_suites": ["suitetwo"]}, {"corp_id": "dingb"}],
        "grants": [
            {
                "suite_key": "suiteone",
                "corp_id": "dingb",
                "permanent_code": "p",
                "agent_id": 5,
                "activated": True,
            }
        ],
    }

    grants = {grant["corp_id"]: grant for grant in Simulator(seed=seed).describe()["grants"]}

    assert grants["dinga"]["suite_key"] == "suitetwo"
    assert grants["dingb"]["permanent_code"] == "p"
    assert grants["dingb"]["agent_id"] == 5
    assert grants["dingb"]["activated"] is True


@pytest.mark.parametrize(
    "seed",
    [
        {"suites": {}},
        {"suites": ["x"]},
        {"suites": [{"encoding_aes_key": "short"}]},
        {"suites": [{"push_mode": "pigeon"}]},
        {"suites": [{"suite_key": "a"}, {"suite_key": "a"}]},
        {"companies": [{"corp_id": "a"}, {"corp_id": "a"}]},
        {"companies": [{"admin": "nobody"}]},
        {"companies": [{"authorized_suites": ["suiteunknown"]}]},
        {"one_time_codes": [{"corp_id": "dingnobody"}]},
        {"one_time_codes": [{}]},
        {"suites": [{"app_id": "x"}]},
        {"suites": [{"token": ["x"]}]},
        {"companies": [{"authorized_suites": None}]},
        {"companies": [{"users": [{"dept_id_list": ["x"]}]}]},
    ],
)
def test_a_seed_that_cannot_be_is_refused(seed: dict):
    with pytest.raises(SeedError):
        Simulator(seed=seed)


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff"])
def test_a_file_that_is_no_seed_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "seed.json"
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(SeedError, match="seed"):
        read_seed(path)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(SeedError, match="nothing"):
        read_seed(tmp_path / "nothing.json")
