"""Asking what became of a notification, taking it back, and seeing only one's own."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dingtalk.foundation.models import AuditEntry
from tenants.models import AuthCorp, Notification, Scope, Tenant
from tests.support.upstream import CORP_ID, SUITE_KEY
from tests.tenants.notifications.conftest import URL, refusal, says

pytestmark = pytest.mark.django_db

OA = {
    "msgtype": "oa",
    "oa": {
        "message_url": "https://app.example.com",
        "head": {"bgcolor": "FFBBBBBB", "text": "请假"},
        "status_bar": {"status_value": "进行中", "status_bg": "0xFFF65E5E"},
        "body": {"title": "张三的请假"},
    },
}
GREEN = {"status_value": "已批准", "status_bg": "0xFF00AA66"}


def sent(app, **body):
    answer = app.send(**body)
    assert answer.status_code == 201, answer.content
    return f"{URL}/{answer.json()['id']}"


def finish(upstream):
    upstream.options.message_sending_seconds = 0.0


def age(**ago):
    Notification.objects.update(sent_at=timezone.now() - timedelta(**ago))


def test_progress_goes_from_nothing_to_done(app, tenant, upstream):
    upstream.options.message_sending_seconds = 1000.0
    url = sent(app)

    before = app.call("get", f"{url}/progress").json()
    finish(upstream)
    after = app.call("get", f"{url}/progress").json()

    assert before["percent"] < 10
    assert after == {"percent": 100, "status": 2}


def test_a_result_tells_who_got_it_who_read_it_and_who_did_not(app, tenant, upstream):
    finish(upstream)
    upstream.options.messages_per_person_and_day = 1
    sent(app, user_ids=["lisi"], message=says("1"))
    url = sent(app, user_ids=["zhangsan", "lisi", "manager01", "nobody"])
    upstream.remote.read_messages(SUITE_KEY, CORP_ID, "zhangsan")

    assert app.call("get", f"{url}/result").json() == {
        "invalid_user_ids": ["nobody"],
        "forbidden_user_ids": ["lisi"],
        "failed_user_ids": [],
        "read_user_ids": ["zhangsan"],
        "unread_user_ids": ["manager01"],
        "invalid_dept_ids": [],
        "forbidden": [{"user_id": "lisi", "dingtalk_code": "143205", "count": 1}],
    }


def test_a_result_is_not_there_before_the_end_nor_for_many_nor_after_a_day(app, tenant, upstream):
    template = {"template_id": upstream.remote.suite(SUITE_KEY)["templates"][0]["template_id"]}
    early = sent(app)
    many = sent(app, user_ids=[f"user{number}" for number in range(101)], template=template)

    assert refusal(app.call("get", f"{early}/result")) == (409, "sending_not_finished")
    assert refusal(app.call("get", f"{many}/result")) == (409, "too_many_receivers")
    age(hours=25)
    assert refusal(app.call("get", f"{early}/result")) == (409, "notification_too_old")
    assert app.call("get", f"{early}/progress").status_code == 200
    age(days=8)
    assert refusal(app.call("get", f"{early}/progress")) == (409, "notification_too_old")


def test_a_notification_is_taken_back_once_and_stays_so(app, tenant, upstream):
    url = sent(app)

    answers = [app.call("post", f"{url}/recall").json() for _ in range(2)]

    assert [answer["state"] for answer in answers] == ["recalled", "recalled"]
    assert answers[0] == answers[1]
    assert upstream.count("/topapi/message/corpconversation/recall") == 1
    assert upstream.remote.messages(SUITE_KEY, CORP_ID)[0]["recalled"]
    assert AuditEntry.objects.filter(action="notification.recall").count() == 1


def test_what_is_too_old_or_was_not_sent_cannot_be_taken_back(app, tenant, upstream):
    url = sent(app)

    age(hours=25)
    assert refusal(app.call("post", f"{url}/recall")) == (409, "notification_too_old")
    Notification.objects.update(state="unknown", task_id=None)
    assert refusal(app.call("post", f"{url}/recall")) == (409, "notification_not_sent")
    assert upstream.count("/topapi/message/corpconversation/recall") == 0


def test_the_status_bar_of_an_oa_message_is_changed(app, tenant, upstream):
    url = sent(app, message=OA)

    answer = app.call("post", f"{url}/status-bar", GREEN)

    assert answer.status_code == 200
    assert upstream.remote.messages(SUITE_KEY, CORP_ID)[0]["message"]["oa"]["status_bar"] == GREEN


def test_other_messages_have_no_status_bar_and_other_colours_are_none(app, tenant):
    text, oa = sent(app), sent(app, message=OA)

    assert refusal(app.call("post", f"{text}/status-bar", GREEN)) == (409, "no_status_bar")
    wrong = app.call("post", f"{oa}/status-bar", {**GREEN, "status_bg": "red"})
    assert refusal(wrong) == (400, "invalid")


def test_the_log_has_what_this_app_sent_newest_first_on_pages(app, make_app, tenant):
    for text in ("1", "2", "3"):
        sent(app, message=says(text))
    sent(make_app("另一个"), message=says("4"))

    first = app.call("get", URL, query={"limit": 2}).json()
    second = app.call("get", first["next"]).json()

    shown = [entry["created_at"] for entry in first["results"] + second["results"]]
    assert (len(shown), shown) == (3, sorted(shown, reverse=True))
    assert second["next"] is None
    assert "canary" not in str(first)


@pytest.mark.parametrize("path", ["", "/progress", "/result"])
def test_what_another_app_sent_is_not_there(app, make_app, tenant, path):
    url = sent(make_app("另一个"))

    for unknown in (url, f"{URL}/nonsense", f"{URL}/{'0' * 32}", f"{URL}/{url[-36:].upper()}"):
        assert refusal(app.call("get", f"{unknown}{path}")) == (404, "notification_not_found")


def test_what_was_sent_in_one_company_is_not_there_in_another(app, tenant):
    url = sent(app)
    other = Tenant.objects.create(suite=tenant.suite, corp=AuthCorp.objects.create(corp_id="dingother"))
    Notification.objects.update(tenant=other)

    assert refusal(app.call("get", url)) == (404, "notification_not_found")
    assert app.call("get", URL).json()["results"] == []


@pytest.mark.parametrize("path", ["recall", "status-bar"])
def test_what_another_app_sent_cannot_be_changed(app, make_app, tenant, upstream, path):
    url = sent(make_app("另一个"), message=OA)

    assert refusal(app.call("post", f"{url}/{path}", GREEN)) == (404, "notification_not_found")
    assert not upstream.remote.messages(SUITE_KEY, CORP_ID)[0]["recalled"]


def test_what_the_key_does_not_cover_is_no_tenant(app, tenant):
    url = sent(app)
    app.key.client.suites.clear()

    asked = [app.call("get", each) for each in (URL, url, f"{url}/progress", f"{url}/result")]
    told = [app.call("post", f"{url}/recall"), app.call("post", f"{url}/status-bar", GREEN), app.send()]

    assert [refusal(each) for each in (*asked, *told)] == [(404, "tenant_not_found")] * 7


def test_without_the_scope_nothing_is_sent_or_seen(make_app, tenant):
    other = make_app(scopes=(Scope.TENANTS_READ, Scope.TOKENS_READ))

    assert refusal(other.send()) == (403, "insufficient_scope")
    assert refusal(other.call("get", URL)) == (403, "insufficient_scope")


def test_the_log_stays_readable_when_the_company_has_left(app, tenant):
    url = sent(app)
    Tenant.objects.update(state="relieved", permanent_code=None)

    assert app.call("get", url).json()["state"] == "sent"
    assert refusal(app.call("post", f"{url}/recall")) == (409, "tenant_not_active")
