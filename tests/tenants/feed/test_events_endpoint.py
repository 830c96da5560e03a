"""The feed as an app reads it: in order, from where it stopped, and nothing that its key does not cover."""

from base64 import urlsafe_b64encode
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.http import HttpResponse

from dingtalk.models import EventState, FeedHead, ReceivedEvent
from tenants.feed import reading
from tenants.feed.cursors import write_cursor
from tenants.models import Scope
from tests.support.events import MORNING, make_event
from tests.tenants.api.conftest import OTHER_SUITE_KEY, SUITE_KEY, App, code_of
from tests.tenants.feed.conftest import EVENTS_URL, names

pytestmark = pytest.mark.django_db


def read(app: App, **query: object) -> dict:
    answer = app.get(EVENTS_URL, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def attr_of(answer: HttpResponse) -> str:
    assert answer.status_code == 400, answer.content
    [error] = answer.json()["errors"]
    return error["attr"]


def test_an_event_is_shown_with_all_that_an_app_needs(reader, happen):
    event = happen("李雷", biz_type=13, biz_id="user0001", received_at=MORNING + timedelta(seconds=1))

    page = read(reader)

    assert page == {
        "results": [
            {
                "cursor": write_cursor(1),
                "id": str(event.pk),
                "suite_key": SUITE_KEY,
                "corp_id": "dingcorp0001",
                "type": "user_modify_org",
                "biz_type": 13,
                "biz_id": "user0001",
                "platform_time": "2026-11-20T09:00:00Z",
                "received_at": "2026-11-20T09:00:01Z",
                "data": {"name": "李雷"},
            }
        ],
        "next": write_cursor(1),
        "has_more": False,
    }


def test_pages_follow_one_another_and_then_wait_for_what_comes(reader, happen):
    for number in range(5):
        happen(str(number))

    first = read(reader, limit=2)
    second = read(reader, limit=2, after=first["next"])
    third = read(reader, limit=2, after=second["next"])
    empty = read(reader, limit=2, after=third["next"])
    happen("later")
    fresh = read(reader, limit=2, after=empty["next"])

    assert [names(page) for page in (first, second, third, empty, fresh)] == [
        *(["0", "1"], ["2", "3"], ["4"]),
        *([], ["later"]),
    ]
    assert empty["next"] == third["next"]
    assert [page["has_more"] for page in (first, second, third, empty)] == [True, True, False, False]


def test_who_comes_back_after_a_restore_gets_at_once_what_is_new(reader, happen):
    happen("before")
    page = read(reader)
    call_command("feed", "restored")
    happen("after")

    beyond = read(reader, after=page["next"])
    new = read(reader, after=beyond["next"])

    assert (names(beyond), beyond["has_more"]) == ([], True)
    assert (names(new), new["has_more"]) == (["after"], False)


def test_each_entry_says_where_to_go_on_after_it(reader, happen):
    for number in range(3):
        happen(str(number))

    middle = read(reader)["results"][1]["cursor"]

    assert names(read(reader, after=middle)) == ["2"]


def test_an_event_without_a_position_is_not_shown_yet(reader, suite, happen):
    happen("numbered")
    make_event(suite, "committed just now", corp_id="dingcorp0001")

    assert names(read(reader)) == ["numbered"]


def test_from_now_on_means_nothing_of_before(reader, happen):
    happen("before")

    latest = read(reader, after="latest")
    happen("after")

    assert latest["results"] == []
    assert names(read(reader, after=latest["next"])) == ["after"]


def test_an_empty_feed_has_a_place_to_wait_at(reader, happen):
    places = [read(reader)["next"], read(reader, after="latest")["next"]]
    happen("first")

    assert [names(read(reader, after=place)) for place in places] == [["first"], ["first"]]


def test_without_a_place_it_begins_with_the_oldest_that_is_kept(reader, happen, monkeypatch):
    monkeypatch.setattr(reading, "WINDOW", 2)
    for number in range(6):
        happen(str(number))
    ReceivedEvent.objects.filter(feed_position__lte=4).delete()

    assert names(read(reader)) == ["4", "5"]


def test_what_came_of_an_event_here_does_not_matter(reader, happen):
    for state in EventState:
        happen(state.value, state=state)

    assert names(read(reader)) == [state.value for state in EventState]


class TestCoverage:
    """What the key does not cover is not there."""

    @pytest.fixture(autouse=True)
    def _events(self, happen, make_tenant, other_suite):
        self.tenant = make_tenant("dingcorp0001")
        make_tenant("dingcorp0002")
        happen("first company")
        happen("second company", corp_id="dingcorp0002")
        happen("first company, other suite", on=other_suite)
        happen("unknown company", corp_id="dingunknown")
        happen("no company", corp_id="")

    def test_an_app_of_a_whole_suite_sees_all_of_it(self, reader):
        assert names(read(reader)) == ["first company", "second company", "unknown company", "no company"]

    def test_an_app_of_named_tenants_sees_theirs_only(self, make_reader):
        assert names(read(make_reader(tenants=[self.tenant]))) == ["first company"]

    def test_a_named_tenant_does_not_open_its_company_on_another_suite(self, make_reader, suite, other_suite):
        app = make_reader(suites=[suite, other_suite], tenants=[self.tenant])

        assert names(read(app)) == ["first company"]

    def test_a_withdrawn_company_is_still_covered(self, make_reader, make_tenant, happen):
        relieved = make_tenant("dingcorp0003", state="relieved")
        happen("farewell", corp_id="dingcorp0003", event_type="org_suite_relieve")

        assert names(read(make_reader(tenants=[relieved]))) == ["farewell"]

    def test_the_feed_follows_a_change_of_coverage(self, make_reader, other_suite):
        app = make_reader(tenants=[self.tenant])
        place = read(app)["next"]
        app.client.covers_all_tenants = True
        app.client.save()
        app.client.suites.set([other_suite])

        assert names(read(app)) == ["first company, other suite"]
        assert read(app, after=place)["results"] == [], "what lies before the place is not shown again"

    @pytest.mark.parametrize(
        "query",
        [
            {"suite_key": OTHER_SUITE_KEY},
            {"corp_id": "dingcorp0002"},
            {"corp_id": "dingunknown"},
            {"suite_key": OTHER_SUITE_KEY, "corp_id": "dingcorp0001"},
            {"suite_key": "nosuchsuite"},
            {"after": write_cursor(1)},
        ],
    )
    def test_no_filter_and_no_cursor_finds_what_is_not_covered(self, make_reader, query):
        page = read(make_reader(tenants=[self.tenant]), **query)

        assert (page["results"], page["next"]) == ([], write_cursor(5))

    def test_an_app_without_the_scope_is_refused(self, make_app):
        answer = make_app(scopes=(Scope.TENANTS_READ,)).get(EVENTS_URL)

        assert (answer.status_code, code_of(answer)) == (403, "insufficient_scope")


class TestFilters:
    @pytest.fixture(autouse=True)
    def _events(self, happen, other_suite):
        happen("user")
        happen("department", event_type="org_dept_modify")
        happen("order", event_type="market_order", corp_id="dingcorp0002")
        happen("user of the other suite", on=other_suite)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"type": "market_order"}, ["order"]),
            ({"type": "org_dept_modify, user_modify_org"}, ["user", "department", "user of the other suite"]),
            ({"corp_id": "dingcorp0002"}, ["order"]),
            ({"suite_key": OTHER_SUITE_KEY}, ["user of the other suite"]),
            ({"suite_key": SUITE_KEY, "type": "user_modify_org"}, ["user"]),
            ({"type": "user_modify_org", "limit": 1}, ["user"]),
            ({"type": "suite_ticket"}, []),
        ],
    )
    def test_several_narrow_each_other_down(self, make_reader, suite, other_suite, query, found):
        assert names(read(make_reader(suites=[suite, other_suite]), **query)) == found

    def test_one_page_looks_at_so_much_and_the_place_moves_on_all_the_same(self, reader, monkeypatch):
        monkeypatch.setattr(reading, "WINDOW", 2)

        first = read(reader, type="market_order")
        second = read(reader, type="market_order", after=first["next"])

        assert (first["results"], first["has_more"], first["next"]) == ([], True, write_cursor(2))
        assert (names(second), second["has_more"]) == (["order"], False)


class TestContents:
    @pytest.mark.parametrize(
        "ticket",
        [
            {"event_type": "suite_ticket", "biz_type": 2},
            {"event_type": "suite_ticket"},
            {"event_type": "renamed", "biz_type": 2},
        ],
    )
    def test_a_suite_ticket_is_never_offered(self, reader, happen, ticket):
        happen(data={"suiteTicket": "secret-ticket"}, **ticket)

        assert read(reader)["results"] == []

    def test_what_could_not_be_read_is_no_event(self, reader, happen):
        happen(data={"unreadable": "x"}, event_type="", state=EventState.DEAD)
        happen("a row without a name", event_type="", biz_type=25)

        assert names(read(reader)) == ["a row without a name"]

    def test_no_secret_is_in_the_answer(self, reader, happen):
        happen(
            data={
                "permanent_code": "secret-1",
                "ch_permanent_code": "secret-2",
                "auth_corp_info": {"license_code": "secret-3", "corp_name": "青竹"},
                "nested": [{"deep": {"AuthCode": "secret-4", "suiteTicket": "secret-5"}}],
                "body": '{"tmp_auth_code": "secret-6", "kept": "青竹"}',
            },
            event_type="org_suite_auth",
        )

        answer = reader.get(EVENTS_URL)

        assert b"secret" not in answer.content
        assert answer.json()["results"][0]["data"] == {
            "auth_corp_info": {"corp_name": "青竹"},
            "nested": [{"deep": {}}],
            "body": '{"kept": "青竹"}',
        }

    def test_content_that_was_removed_is_null(self, reader, happen):
        happen("kept")
        ReceivedEvent.objects.update(payload=None)

        assert [entry["data"] for entry in read(reader)["results"]] == [None]

    def test_content_that_cannot_be_read_stops_nobody(self, reader, happen, caplog):
        happen(payload=b"no json")
        happen("next")

        assert [entry["data"] for entry in read(reader)["results"]] == [None, {"name": "next"}]
        assert "feed_content_unreadable" in caplog.text

    def test_a_page_ends_after_so_much_content(self, reader, happen, monkeypatch):
        monkeypatch.setattr(reading, "MAX_PAGE_BYTES", 250)
        for name in ("a" * 300, "b" * 100, "c" * 100, "d"):
            happen(name)

        pages, place = [], write_cursor(0)
        for _ in range(4):
            page = read(reader, after=place)
            pages.append([name[0] for name in names(page)])
            place = page["next"]

        assert pages == [["a"], ["b", "c"], ["d"], []]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "latest2",
        "0",
        "-1",
        "ZmVlZDo",
        "é",
        "\0",
        "Z" * 64,
        write_cursor(1) + "=",
        write_cursor(-1),
        write_cursor(2**63),
        urlsafe_b64encode(b"feed:01").decode().rstrip("="),
        urlsafe_b64encode(b"feed:1_0").decode().rstrip("="),
        urlsafe_b64encode("feed:٣".encode()).decode().rstrip("="),
        urlsafe_b64encode(b"1").decode().rstrip("="),
    ],
)
def test_a_cursor_that_we_did_not_make_is_a_400(reader, cursor):
    assert attr_of(reader.get(EVENTS_URL, {"after": cursor})) == "after"


def test_a_place_that_was_never_reached_is_a_400_and_no_silence(reader, happen):
    happen()
    FeedHead.objects.update(position=1)

    assert attr_of(reader.get(EVENTS_URL, {"after": write_cursor(2)})) == "after"


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"corp_id": "d" * 65}, "corp_id"),
        ({"suite_key": "s" * 129}, "suite_key"),
        ({"type": "a,,b"}, "type"),
        ({"type": ",".join("abcdefghijklmnopqrstu")}, "type"),
        ({"type": "\0"}, "type"),
        ({"before": "x"}, "before"),
        ({"after": ""}, "after"),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_it(reader, query, attr):
    assert attr_of(reader.get(EVENTS_URL, query)) == attr


def test_a_page_costs_the_same_queries_however_many_events_there_are(
    reader, happen, django_assert_max_num_queries
):
    for number in range(15):
        happen(str(number))
    reader.get(EVENTS_URL)

    with django_assert_max_num_queries(5):
        assert len(read(reader, after=write_cursor(0))["results"]) == 15
