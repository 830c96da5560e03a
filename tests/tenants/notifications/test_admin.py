"""The send log in the admin."""

import pytest
from django.test import Client
from django.utils import timezone

from tenants.models import Notification
from tests.support.admin_rows import make_rows, make_superuser

pytestmark = pytest.mark.django_db
PAGE = "/admin/tenants/notification/"


@pytest.fixture
def operator(db: None) -> Client:
    """A superuser's browser that reads English."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_superuser())
    return client


def test_an_operator_sees_what_came_of_it_and_nothing_of_what_was_said(operator):
    make_rows(now=timezone.now())
    row = Notification.objects.get()

    listed = operator.get(PAGE).content.decode()
    page = operator.get(f"{PAGE}{row.pk}/change/").content.decode()

    assert "2 people, 1 department" in listed
    assert "not sent" in listed
    assert "too many receivers" in listed
    assert "too many receivers" in page
    for text in ("canary-person", row.content_digest, row.request_digest):
        assert text not in listed + page


@pytest.mark.parametrize("term", ["256271667526", "ding7f3c91a05be842d6", "req 5x1"])
def test_a_notification_is_found_by_task_company_or_request(operator, term):
    make_rows(now=timezone.now())
    Notification.objects.update(task_id=256271667526, dingtalk_request_id="req 5x1")

    assert "oa-app" in operator.get(PAGE, {"q": f'"{term}"'}).content.decode()
    assert "order-4711" not in operator.get(PAGE, {"q": "nothing"}).content.decode()
