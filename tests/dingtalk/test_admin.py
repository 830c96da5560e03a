"""Admin pages of suites, tickets, pushes and events."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from dingtalk.foundation.keyset_lists import COUNTED
from dingtalk.foundation.models import AuditEntry
from dingtalk.models import EventState, PushMode, ReceivedEvent, Suite, SuiteTicket
from dingtalk.suite_values import PLAIN_FIELDS
from tests.support.admin_rows import AdminRows, make_event, make_rows, make_superuser
from tests.support.callbacks import ENCODING_AES_KEY, OTHER_AES_KEY

ADD_SUITE = "/admin/dingtalk/suite/add/"
EVENTS = "/admin/dingtalk/receivedevent/"
NEW_SUITE = {
    "name": "审批助手",
    "suite_id": "31415002",
    "suite_key": "suite8xk2m4qz7ab",
    "push_mode": "http",
    "activation": "auto",
    "corp_token_method": "v1",
    "suite_token_method": "old",
    "jsapi_ticket_method": "v1",
    "kind": "suite",
    "new_suite_secret": "canary-typed-secret",
    "new_callback_token": "canarytypedtoken",
    "new_encoding_aes_key": ENCODING_AES_KEY,
}


@pytest.fixture
def rows(db: None) -> AdminRows:
    return make_rows(now=timezone.now())


@pytest.fixture
def operator(db: None) -> Client:
    """A superuser's browser that reads English."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_superuser())
    return client


def suite_page(suite: Suite) -> str:
    return f"/admin/dingtalk/suite/{suite.pk}/change/"


def unchanged(suite: Suite, **changes: str) -> dict[str, str]:
    """What the form of a suite sends when only `changes` were typed."""
    typed = {name: getattr(suite, name) for name in PLAIN_FIELDS}
    return {
        **{name: "" if value is None else str(value) for name, value in typed.items()},
        "keep_previous": "on",
        **changes,
    }


def texts(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_a_suite_is_registered_and_its_callback_url_is_what_comes_next(operator, settings):
    settings.PUBLIC_BASE_URL = "https://portal.example.com"

    response = operator.post(ADD_SUITE, NEW_SUITE, follow=True)

    suite = Suite.objects.get(suite_key=NEW_SUITE["suite_key"])
    assert (suite.suite_secret, suite.push_mode) == ("canary-typed-secret", PushMode.HTTP)
    assert response.request["PATH_INFO"] == suite_page(suite)
    assert f"https://portal.example.com{suite.callback_path}" in response.content.decode()
    assert AuditEntry.objects.get().actor == "wang"


def test_a_wrong_value_is_named_at_its_field_and_no_typed_secret_comes_back(operator):
    response = operator.post(ADD_SUITE, {**NEW_SUITE, "new_callback_token": "canary-typed-token!"})

    form = response.context["adminform"].form
    assert list(form.errors) == ["new_callback_token"]
    assert "canary-typed" not in response.content.decode()
    assert Suite.objects.count() == 0


def test_a_new_suite_needs_each_of_its_secrets(operator):
    secrets = ("new_suite_secret", "new_callback_token", "new_encoding_aes_key")

    response = operator.post(ADD_SUITE, {**NEW_SUITE, **dict.fromkeys(secrets, "")})

    assert set(response.context["adminform"].form.errors) == set(secrets)


def test_generated_values_are_shown_on_one_page_and_on_no_other(operator):
    generated = {"new_callback_token": "", "new_encoding_aes_key": ""}
    switches = {"generate_callback_token": "on", "generate_encoding_aes_key": "on"}

    response = operator.post(ADD_SUITE, {**NEW_SUITE, **generated, **switches})

    suite = Suite.objects.get()
    page = response.content.decode()
    assert suite.callback_token in page
    assert suite.encoding_aes_key in page
    assert "no-store" in response["Cache-Control"]
    assert suite.callback_token not in operator.get(suite_page(suite)).content.decode()


def test_a_value_is_either_typed_or_generated(operator):
    response = operator.post(ADD_SUITE, {**NEW_SUITE, "generate_callback_token": "on"})

    assert list(response.context["adminform"].form.errors) == ["new_callback_token"]


def test_empty_secret_fields_keep_the_secrets(operator, rows):
    operator.post(suite_page(rows.suite), unchanged(rows.suite, name="排班助手"))

    suite = Suite.objects.get(pk=rows.suite.pk)
    assert (suite.name, suite.version) == ("排班助手", 2)
    assert suite.suite_secret == "canary-suite-secret"


def test_a_new_secret_replaces_the_old_one_which_works_a_while_longer(operator, rows):
    operator.post(suite_page(rows.suite), unchanged(rows.suite, new_encoding_aes_key=OTHER_AES_KEY))

    suite = Suite.objects.get(pk=rows.suite.pk)
    assert suite.encoding_aes_key == OTHER_AES_KEY
    assert suite.encoding_aes_key_previous == rows.suite.encoding_aes_key
    history = operator.get(f"/admin/dingtalk/suite/{suite.pk}/history/").content.decode()
    assert OTHER_AES_KEY not in history


def test_a_secret_that_became_known_stops_working_at_once(operator, rows):
    changes = unchanged(rows.suite, new_callback_token="rotated0001")
    del changes["keep_previous"]

    operator.post(suite_page(rows.suite), changes)

    assert Suite.objects.get(pk=rows.suite.pk).callback_token_previous is None


def test_the_suite_key_of_a_verified_suite_cannot_be_changed(operator, rows):
    operator.post(suite_page(rows.suite), unchanged(rows.suite, suite_key="suite-other"))

    assert Suite.objects.get(pk=rows.suite.pk).suite_key == rows.suite.suite_key


@pytest.mark.parametrize(
    ("hours", "said"), [(2, "2\xa0hours ago"), (7, "overdue, 7\xa0hours ago"), (None, "none yet")]
)
def test_the_list_says_how_old_the_ticket_is(operator, rows, hours, said):
    if hours is None:
        SuiteTicket.objects.all().delete()
    else:
        SuiteTicket.objects.update(platform_time=timezone.now() - timedelta(hours=hours))

    assert said in operator.get("/admin/dingtalk/suite/").content.decode()


@pytest.mark.parametrize("page", ["receivedevent", "receivedpush", "suiteticket", "suite"])
def test_a_list_asks_as_many_queries_for_many_rows_as_for_one(
    operator, rows, page, django_assert_max_num_queries
):
    for number in range(10):
        make_event(rows.push, now=timezone.now(), identity=str(number))

    with django_assert_max_num_queries(10) as queries:
        operator.get(f"/admin/dingtalk/{page}/")

    assert not [q for q in queries.captured_queries if "payload" in q["sql"] or '"body"' in q["sql"]]


@pytest.mark.parametrize("page", ["receivedevent", "receivedpush", "suiteticket"])
def test_a_list_of_millions_is_read_only_as_far_as_it_is_shown(
    operator, rows, page, django_assert_max_num_queries
):
    with django_assert_max_num_queries(10) as queries:
        operator.get(f"/admin/dingtalk/{page}/")

    of_table = [q["sql"] for q in queries.captured_queries if f'FROM "dingtalk_{page}"' in q["sql"]]
    assert of_table
    for sql in of_table:
        assert " LIMIT 51" in sql or f" LIMIT {COUNTED + 1}" in sql
        # What is counted of each row is counted in a subquery.
        assert "GROUP BY" not in sql.rpartition(f'FROM "dingtalk_{page}"')[2]


def test_events_page_by_next_as_long_as_there_are_more(operator, rows):
    ReceivedEvent.objects.bulk_create(
        ReceivedEvent(
            suite=rows.suite,
            identity=f"{number:064}",
            event_type="user_add_org",
            platform_time=timezone.now(),
            received_at=timezone.now(),
        )
        for number in range(60)
    )

    first = operator.get(EVENTS).context["cl"]
    second = operator.get(f"{EVENTS}{first.older_link}").context["cl"]

    assert (len(first.result_list), len(second.result_list)) == (50, 11)
    assert second.older_link == ""


def test_unknown_events_are_marked_and_can_be_filtered_for(operator, rows):
    unheard_of = make_event(rows.push, now=timezone.now(), identity="b")
    ReceivedEvent.objects.filter(pk=unheard_of.pk).update(event_type="unheard_of", is_known=False)

    everything = operator.get(EVENTS)
    unknown = operator.get(f"{EVENTS}?is_known__exact=0")

    assert "unheard_of (unknown)" in everything.content.decode()
    assert list(unknown.context["cl"].result_list) == [unheard_of]


def test_a_known_event_says_what_dingtalk_says_of_it(operator, rows):
    page = operator.get(f"{EVENTS}{rows.event.pk}/change/").content.decode()

    assert "organisation authorised the app; temporary code" in page


def test_an_events_content_is_shown_with_its_secrets_masked(operator, rows):
    page = operator.get(f"{EVENTS}{rows.event.pk}/change/").content.decode()

    assert "杭州云栖" in page
    assert "AuthCode" in page
    assert "canary" not in page


def test_an_event_whose_content_was_removed_says_so(operator, rows):
    ReceivedEvent.objects.update(payload=None)

    page = operator.get(f"{EVENTS}{rows.event.pk}/change/").content.decode()

    assert "Removed after its retention time" in page


def test_the_button_asks_first_and_changes_nothing_by_a_link(operator, rows):
    page = operator.get(f"{EVENTS}{rows.event.pk}/handle-again/")

    assert "Handle this event again?" in page.content.decode()
    assert ReceivedEvent.objects.get(pk=rows.event.pk).state == EventState.DEAD


def test_the_button_puts_a_dead_event_back_and_it_is_audited(operator, rows):
    response = operator.post(f"{EVENTS}{rows.event.pk}/handle-again/", {"_form_submitted": "True"})

    event = ReceivedEvent.objects.get(pk=rows.event.pk)
    assert (event.state, event.attempts) == (EventState.PENDING, 0)
    assert texts(response) == ["1 event will be handled again."]
    entry = AuditEntry.objects.get(action="event.handle_again")
    assert (entry.actor, entry.object_id) == ("wang", str(event.pk))
    assert str(entry.source_ip) == "127.0.0.1"


def test_the_dialog_leads_back_to_the_page_on_which_it_was_opened(operator, rows):
    url = f"{EVENTS}{rows.event.pk}/handle-again/"
    opened_on = f"http://testserver{EVENTS}?state=dead"

    ours = operator.post(
        url, {"_form_submitted": "True"}, headers={"hx-request": "true", "hx-current-url": opened_on}
    )
    foreign = operator.post(
        url,
        {"_form_submitted": "True"},
        headers={"hx-request": "true", "hx-current-url": "https://evil.example/"},
    )

    assert ours["HX-Redirect"] == opened_on
    assert foreign["HX-Redirect"] == f"{EVENTS}{rows.event.pk}/change/"


def test_selected_events_are_put_back_and_those_left_out_are_counted(operator, rows):
    waiting = make_event(rows.push, now=timezone.now(), state=EventState.PENDING, identity="b")

    response = operator.post(
        EVENTS,
        {"action": "handle_selected_again", "_selected_action": [str(rows.event.pk), str(waiting.pk)]},
    )

    assert texts(response)[0] == "1 event will be handled again."
    assert texts(response)[1].startswith("1 event was left out")


def test_an_action_without_the_forgery_token_is_refused(rows):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_superuser())

    response = browser.post(f"{EVENTS}{rows.event.pk}/handle-again/", {"_form_submitted": "True"})

    assert response.status_code == 403
    assert ReceivedEvent.objects.get(pk=rows.event.pk).state == EventState.DEAD


def test_a_pushs_page_leads_to_its_events(operator, rows):
    page = operator.get(f"/admin/dingtalk/receivedpush/{rows.push.pk}/change/").content.decode()

    assert f'href="{EVENTS}{rows.event.pk}/change/"' in page


def test_settings_of_pages_and_callbacks_are_stored_as_they_are_meant(operator, rows):
    suite = rows.suite
    typed = {
        "js_domains": "Shop.Example.com  *.example.org\nshop.example.com",
        "freshness_window_seconds": "600",
        "isv_corp_id": "dingisv0001",
        "new_sso_secret": "canary-sso-secret",
    }

    answer = operator.post(suite_page(suite), unchanged(suite, **typed), follow=True)

    suite.refresh_from_db()
    assert suite.js_domains.split() == ["shop.example.com", "*.example.org"]
    assert (suite.freshness_window_seconds, suite.isv_corp_id) == (600, "dingisv0001")
    assert suite.sso_secret == "canary-sso-secret"
    assert "canary-sso-secret" not in answer.content.decode()


def test_a_domain_is_a_host_name_and_a_window_a_number_of_seconds(operator, rows):
    suite = rows.suite
    typed = {"js_domains": "https://shop.example.com/", "freshness_window_seconds": "5"}

    answer = operator.post(suite_page(suite), unchanged(suite, **typed))

    assert set(answer.context["adminform"].form.errors) == {"js_domains", "freshness_window_seconds"}
    suite.refresh_from_db()
    assert (suite.js_domains, suite.freshness_window_seconds) == ("", None)


class TestChangingACredential:
    """The page that leads through it."""

    @pytest.fixture
    def page(self, rows: AdminRows) -> str:
        """Its address for the suite."""
        return f"/admin/dingtalk/suite/{rows.suite.pk}/credentials/"

    def test_a_generated_value_is_shown_once_and_both_work(self, operator, rows, page):
        old = rows.suite.callback_token

        shown = operator.post(page, {"do": "change", "name": "callback_token", "value": ""})

        rows.suite.refresh_from_db()
        assert rows.suite.callback_token in shown.content.decode()
        assert rows.suite.callback_token_previous == old
        again = operator.get(page).content.decode()
        assert rows.suite.callback_token not in again
        assert "has not been used since the change" in again

    def test_it_says_when_the_previous_value_was_last_used(self, operator, rows, page):
        operator.post(page, {"do": "change", "name": "encoding_aes_key", "value": OTHER_AES_KEY})
        Suite.objects.filter(pk=rows.suite.pk).update(encoding_aes_key_previous_used_at=timezone.now())

        text = operator.get(page).content.decode()

        assert "The previous value was last used at" in text
        assert OTHER_AES_KEY not in text

    def test_the_previous_value_is_ended_by_a_button_and_audited(self, operator, rows, page):
        operator.post(page, {"do": "change", "name": "suite_secret", "value": "copied-from-dingtalk"})

        operator.post(page, {"do": "end", "name": "suite_secret"})

        rows.suite.refresh_from_db()
        assert rows.suite.suite_secret == "copied-from-dingtalk"
        assert rows.suite.suite_secret_previous is None
        assert AuditEntry.objects.filter(
            action="suite.end_previous", details={"ended": "suite_secret"}
        ).exists()

    @pytest.mark.parametrize(
        "form",
        [
            {"do": "change", "name": "suite_secret", "value": ""},
            {"do": "change", "name": "encoding_aes_key", "value": "too-short"},
            {"do": "change", "name": "suite_key", "value": "x"},
            {"do": "end", "name": "suite_key"},
            {"do": "nothing", "name": "callback_token"},
        ],
    )
    def test_a_wrong_value_changes_nothing(self, operator, rows, page, form):
        before = Suite.objects.get(pk=rows.suite.pk).version

        assert operator.post(page, form).status_code == 200
        assert Suite.objects.get(pk=rows.suite.pk).version == before

    def test_a_link_changes_nothing(self, operator, rows, page):
        before = Suite.objects.get(pk=rows.suite.pk).version

        operator.get(page, {"do": "end", "name": "callback_token"})
        operator.get(page, {"do": "change", "name": "callback_token"})

        assert Suite.objects.get(pk=rows.suite.pk).version == before
