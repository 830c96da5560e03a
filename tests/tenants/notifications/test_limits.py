"""What DingTalk would drop in silence is said before it is sent."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from tenants.models import Notification, NotifiedPerson
from tenants.notifications.daily_limits import china_day
from tests.support.upstream import CORP_ID, SUITE_KEY
from tests.tenants.notifications.conftest import HELLO, SEND, error_of, refusal, says

pytestmark = pytest.mark.django_db

SAME = [{"code": "same_content_today", "user_ids": ["zhangsan"]}]


def test_the_same_content_to_the_same_person_on_one_day_is_refused_before_it_is_sent(app, tenant, upstream):
    app.send()

    again = app.send()

    assert refusal(again) == (422, "would_be_dropped")
    assert error_of(again)["warnings"] == SAME
    assert (upstream.count(SEND), Notification.objects.count()) == (1, 1)


def test_a_day_begins_at_midnight_in_china():
    before, after = (datetime(2026, 11, 20, hour, 0, tzinfo=UTC) for hour in (15, 16))

    assert (china_day(before), china_day(after)) == (date(2026, 11, 20), date(2026, 11, 21))


def test_on_another_day_the_same_may_be_said_again(app, tenant, upstream):
    app.send()
    NotifiedPerson.objects.update(day=NotifiedPerson.objects.get().day - timedelta(days=1))

    assert app.send().status_code == 201


def test_who_has_it_already_is_reported_and_the_others_get_it(app, tenant, inbox):
    app.send()

    both = app.send(user_ids=["zhangsan", "lisi"], idempotency_key="k1")
    again = app.send(user_ids=["zhangsan", "lisi"], idempotency_key="k1")

    assert (both.status_code, both.json()["warnings"]) == (201, SAME)
    assert again.json() == both.json()
    assert (inbox("zhangsan"), inbox("lisi")) == ([HELLO], [HELLO])


def test_who_is_strict_has_nothing_sent_when_one_copy_would_be_dropped(app, tenant, inbox):
    app.send()

    both = app.send(user_ids=["zhangsan", "lisi"], strict=True)

    assert refusal(both) == (422, "would_be_dropped")
    assert inbox("lisi") == []


def test_a_person_gets_no_more_than_so_many_a_day_and_dingtalk_agrees(app, tenant, upstream, settings, inbox):
    settings.NOTIFICATIONS_PER_PERSON_AND_DAY = 2
    upstream.options.messages_per_person_and_day = 2
    for text in ("1", "2"):
        app.send(message=says(text))

    alone = app.send(message=says("3"))
    both = app.send(message=says("3"), user_ids=["lisi", "zhangsan"])

    assert refusal(alone) == (422, "would_be_dropped")
    assert both.json()["warnings"] == [{"code": "daily_limit", "user_ids": ["zhangsan"]}]
    *_, last = upstream.remote.messages(SUITE_KEY, CORP_ID)
    assert last["dropped"] == {"zhangsan": 143205}
    assert inbox("lisi") == [says("3")]


def test_no_more_receivers_than_so_many_in_a_minute(app, tenant, settings):
    settings.NOTIFICATION_RECEIVERS_PER_MINUTE = 3
    app.send(user_ids=["zhangsan", "lisi"])

    too_many = app.send(user_ids=["zhangsan", "manager01"], message=says("2"))
    Notification.objects.update(attempt_started_at=timezone.now() - timedelta(seconds=61))
    later = app.send(user_ids=["zhangsan", "manager01"], message=says("2"))

    assert refusal(too_many) == (422, "would_be_dropped")
    assert error_of(too_many)["warnings"] == [{"code": "receivers_per_minute", "user_ids": []}]
    assert int(too_many["Retry-After"]) <= 60
    assert later.status_code == 201


def test_what_was_not_sent_does_not_count(app, tenant, upstream, settings):
    settings.NOTIFICATION_RECEIVERS_PER_MINUTE = 1
    upstream.fault(SEND, "errcode", code=400002)

    assert app.send().status_code == 400
    assert app.send().status_code == 201


@pytest.mark.parametrize("whom", [{"dept_ids": [2]}, {"user_ids": [], "to_all_users": True}])
def test_nobody_can_count_who_is_not_named_and_that_is_said(app, tenant, inbox, whom):
    answer = app.send(**whom)

    assert answer.json()["warnings"] == [{"code": "not_counted", "user_ids": []}]
    assert inbox("zhangsan") == [HELLO]


def test_counts_are_kept_for_each_company_and_hold_no_name(app, tenant):
    app.send()

    [row] = NotifiedPerson.objects.values()
    assert row["tenant_id"] == tenant.pk
    assert "zhangsan" not in str(row)
