"""A notification is sent once per key, whatever happens to the answer."""

import threading
from datetime import timedelta

import pytest
import requests
import responses
from django.db import connection
from django.utils import timezone

from dingtalk.foundation.models import AuditEntry
from tenants.models import Notification, NotificationState, NotifiedPerson, Tenant
from tests.support.upstream import CORP_ID, SUITE_KEY
from tests.tenants.notifications.conftest import HELLO, SEND, URL, App, error_of, refusal, says

pytestmark = pytest.mark.django_db


def test_a_message_reaches_the_person_and_is_in_the_log(app: App, tenant: Tenant, inbox):
    answer = app.send()

    body = answer.json()
    row = Notification.objects.get()
    assert answer.status_code == 201
    assert set(body) == {"id", "task_id", "state", "sent_at", "receivers", "warnings"}
    assert (body["id"], body["task_id"], body["state"]) == (str(row.pk), row.task_id, "sent")
    assert body["receivers"] == {"users": 1, "depts": 0, "to_all_users": False}
    assert body["warnings"] == []
    assert (row.tenant, row.state, row.agent_id) == (tenant, "sent", tenant.agents[0]["agent_id"])
    assert row.dingtalk_request_id
    assert inbox() == [HELLO]


def test_a_template_reaches_up_to_a_thousand_people(app, tenant, inbox, upstream):
    approved, pending = upstream.remote.suite(SUITE_KEY)["templates"]
    data = {"name": "张三"}
    people = ["zhangsan", *(f"user{number}" for number in range(999))]

    sent = app.send(user_ids=people, template={"template_id": approved["template_id"], "data": data})
    refused = app.send(template={"template_id": pending["template_id"], "data": data})
    unknown = app.send(template={"template_id": "nosuchtemplate"})

    assert sent.status_code == 201
    assert inbox() == [{"template_id": approved["template_id"], "data": data}]
    assert [refusal(each) for each in (refused, unknown)] == [(502, "dingtalk_refused")] * 2
    assert error_of(refused)["dingtalk_code"] == "885006"
    assert error_of(unknown)["dingtalk_code"] == "885001"


def test_the_same_request_with_the_same_key_is_answered_again_and_sent_once(app, tenant, inbox, upstream):
    first = app.send(idempotency_key="k1")
    app.call("post", f"/api/v1/tenants/{SUITE_KEY}/{CORP_ID}/notifications/{first.json()['id']}/recall")

    again = app.send(idempotency_key="k1")

    assert again.status_code == 201
    assert again.json() == first.json()
    assert (first.headers.get("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (None, "true")
    assert upstream.count(SEND) == 1


def test_the_same_key_with_another_request_is_a_conflict(app, tenant, upstream):
    first = app.send(idempotency_key="k1")

    other = app.send(idempotency_key="k1", message=says("other"))

    assert refusal(other) == (409, "idempotency_conflict")
    assert error_of(other)["notification_id"] == first.json()["id"]
    assert upstream.count(SEND) == 1


def test_two_apps_may_use_the_same_key(app, make_app, tenant, upstream):
    answers = [
        each.send(idempotency_key="k1", message=says(text))
        for each, text in [(app, "1"), (make_app("b"), "2")]
    ]

    assert [each.status_code for each in answers] == [201, 201]
    assert "Idempotency-Replayed" not in answers[1].headers


def test_a_lost_answer_is_never_sent_again(app, tenant, upstream, inbox):
    upstream.fault(SEND, "drop_answer")

    lost = app.send(idempotency_key="k1")
    again = app.send(idempotency_key="k1")

    assert [refusal(each) for each in (lost, again)] == [(409, "outcome_unknown")] * 2
    assert Notification.objects.get().state == NotificationState.UNKNOWN
    assert inbox() == [HELLO]
    assert NotifiedPerson.objects.count() == 1


@pytest.mark.parametrize("fault", [{"kind": "http_500"}, {"kind": "errcode", "code": -1}])
def test_a_failure_after_which_dingtalk_may_have_acted_counts_as_a_lost_answer(app, tenant, upstream, fault):
    upstream.fault(SEND, **fault)

    assert refusal(app.send(idempotency_key="k1")) == (409, "outcome_unknown")
    assert refusal(app.send(idempotency_key="k1")) == (409, "outcome_unknown")
    assert upstream.count(SEND) == 1


def test_what_dingtalk_refused_may_be_sent_again_with_the_same_key(app, tenant, upstream, inbox):
    upstream.fault(SEND, "errcode", code=400002)

    refused = app.send(idempotency_key="k1")
    assert (refusal(refused), Notification.objects.get().state) == ((400, "dingtalk_parameter"), "failed")
    assert (Notification.objects.get().dingtalk_code, NotifiedPerson.objects.count()) == ("400002", 0)
    sent = app.send(idempotency_key="k1")

    assert sent.status_code == 201
    assert "Idempotency-Replayed" not in sent.headers
    assert (inbox(), Notification.objects.get().dingtalk_code) == ([HELLO], "")


def test_what_was_never_sent_may_be_sent_again_with_the_same_key(app, tenant, upstream, inbox):
    with responses.RequestsMock() as network:
        network.add_passthru(upstream.base_url)
        network.post(f"{upstream.base_url}{SEND}", body=requests.ConnectTimeout())
        never = app.send(idempotency_key="k1")

    sent = app.send(idempotency_key="k1")

    assert refusal(never) == (503, "dingtalk_unavailable")
    assert sent.status_code == 201
    assert inbox() == [HELLO]


def test_a_sender_that_ended_without_an_answer_has_lost_it(app, tenant, upstream):
    app.send(idempotency_key="k1")
    row = Notification.objects.filter(idempotency_key="k1")
    row.update(state=NotificationState.SENDING, task_id=None, sent_at=None)

    under_way = app.send(idempotency_key="k1")
    row.update(attempt_started_at=timezone.now() - timedelta(minutes=3))
    lost = app.send(idempotency_key="k1")

    assert refusal(under_way) == (409, "idempotency_in_progress")
    assert int(under_way["Retry-After"]) > 0
    assert refusal(lost) == (409, "outcome_unknown")
    assert upstream.count(SEND) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_with_one_key_one_is_sent(app, tenant, upstream):
    upstream.fault(SEND, "delay", seconds=0.3, count=None)
    start, answers = threading.Barrier(4), []

    def send() -> None:
        start.wait(timeout=10)
        answers.append(app.send(idempotency_key="k1"))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert upstream.count(SEND) == 1
    sent = [answer for answer in answers if answer.status_code == 201]
    others = [refusal(answer) for answer in answers if answer.status_code != 201]
    assert len([answer for answer in sent if "Idempotency-Replayed" not in answer.headers]) == 1
    assert set(others) <= {(409, "idempotency_in_progress")}
    assert len(answers) == 4


def test_a_refused_token_is_renewed_and_the_message_is_sent_once(app, tenant, upstream, inbox):
    upstream.remote._call("POST", "/_sim/tokens/expire", {})

    assert app.send().status_code == 201
    assert inbox() == [HELLO]


def test_the_audit_trail_says_who_sent_and_nothing_of_what(app, tenant):
    app.send()

    entry = AuditEntry.objects.get(action="notification.send")
    assert entry.actor == "考勤后台"
    assert entry.details["people"] == 1
    row = Notification.objects.get()
    stored = f"{entry.details}{entry.object_label}{list(Notification.objects.values())}{row.warnings}"
    assert "canary-content" not in stored
    assert "zhangsan" not in stored


def test_an_agent_is_the_only_one_or_has_to_be_named(app, tenant, inbox):
    own = tenant.agents[0]["agent_id"]
    Tenant.objects.update(agents=[*tenant.agents, {**tenant.agents[0], "agent_id": own + 1}])

    assert refusal(app.send()) == (400, "agent_required")
    assert refusal(app.send(agent_id=own + 2)) == (400, "agent_unknown")
    assert app.send(agent_id=own).status_code == 201
    assert inbox() == [HELLO]


def test_an_app_that_must_send_by_template_is_told_so(app, tenant, upstream):
    upstream.remote._call("PUT", f"/_sim/suites/{SUITE_KEY}", {"template_only": True})

    answer = app.send()

    assert refusal(answer) == (403, "dingtalk_permission")
    assert error_of(answer)["dingtalk_code"] == "60011"


def test_a_tenant_that_is_not_active_is_sent_nothing(app, tenant, upstream):
    Tenant.objects.update(state="stopped")

    assert refusal(app.send()) == (409, "tenant_not_active")
    assert (upstream.count(SEND), Notification.objects.count()) == (0, 0)


def test_a_person_named_twice_is_one(app, tenant, upstream):
    answer = app.send(user_ids=["zhangsan", "zhangsan"])

    assert answer.json()["receivers"]["users"] == 1
    assert upstream.count(SEND) == 1
    assert upstream.remote.messages(SUITE_KEY, CORP_ID)[0]["delivered_to"] == ["zhangsan"]


def test_another_method_is_refused(app, tenant):
    sent = f"{URL}/{app.send().json()['id']}"

    assert app.call("get", f"{sent}/recall").status_code == 405
    assert app.call("post", f"{sent}/progress", {}).status_code == 405
