"""Lists of the admin that page by id and count nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from dingtalk.foundation import keyset_lists
from dingtalk.foundation.ids import first_id_of, new_id
from dingtalk.foundation.keyset_lists import KeysetChangeList
from dingtalk.foundation.models import AuditEntry
from dingtalk.models import ReceivedPush
from tests.support.admin_rows import make_suite, make_superuser

TRAIL = "/admin/foundation/auditentry/"


@pytest.fixture
def operator(db: None) -> Client:
    """A superuser's browser that reads English."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_superuser())
    return client


def make_entries(count: int, **changes: str) -> list[AuditEntry]:
    columns = {"actor_kind": "operator", "actor": "wang", "action": "suite.rotate", **changes}
    entries = [AuditEntry(at=timezone.now(), **columns) for _ in range(count)]
    return AuditEntry.objects.bulk_create(entries)


def have_the_trail_estimated() -> None:
    """Have PostgreSQL look at the table; what it believes then outlives the test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {AuditEntry._meta.db_table}")


def opened(operator: Client, address: str) -> KeysetChangeList:
    response = operator.get(f"{TRAIL}{address}")
    assert response.status_code == 200
    return response.context["cl"]


def test_by_next_each_row_is_shown_once_and_by_previous_again(operator: Client) -> None:
    entries = [entry.pk for entry in reversed(make_entries(120))]

    first = opened(operator, "")
    second = opened(operator, first.older_link)
    third = opened(operator, second.older_link)
    back = opened(operator, third.newer_link)
    front = opened(operator, back.newer_link)

    forward = [row.pk for page in (first, second, third) for row in page.result_list]
    assert forward == entries
    assert [row.pk for page in (front, back) for row in page.result_list] == entries[:100]
    assert (first.newer_link, third.older_link, front.newer_link) == ("", "", "")


def test_what_is_stored_meanwhile_moves_no_page(operator: Client) -> None:
    entries = [entry.pk for entry in reversed(make_entries(60))]
    first = opened(operator, "")
    make_entries(30)

    second = opened(operator, first.older_link)

    assert [row.pk for row in second.result_list] == entries[50:]


def test_the_links_keep_filter_and_search(operator: Client) -> None:
    make_entries(60, actor="li")
    make_entries(60, actor="zhao", actor_kind="command")

    first = opened(operator, "?actor_kind__exact=operator&q=li")
    second = opened(operator, first.older_link)

    assert len(second.result_list) == 10
    assert {row.actor for row in second.result_list} == {"li"}


@pytest.mark.parametrize(
    "place", ["older_than=x", "newer_than=00", "older_than=1%00", "o=1.-2", "p=7", "all="]
)
def test_an_odd_address_leads_to_the_list_and_to_no_error(operator: Client, place: str) -> None:
    make_entries(3)

    response = operator.get(f"{TRAIL}?{place}", follow=True)

    assert response.status_code == 200
    assert len(response.context["cl"].result_list) == 3


def test_an_action_reaches_rows_of_a_later_page(operator: Client) -> None:
    make_entries(60)
    older = opened(operator, "").older_link

    assert opened(operator, older).queryset.count() == 60


def test_a_small_table_is_counted_whatever_is_believed_of_it(operator: Client) -> None:
    make_entries(keyset_lists.COUNTED + 1)
    have_the_trail_estimated()
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {AuditEntry._meta.db_table}")
    make_entries(3)

    assert "3 in all" in operator.get(TRAIL).content.decode()


def test_a_large_table_is_estimated_and_says_so(operator: Client) -> None:
    make_entries(keyset_lists.COUNTED + 1)
    have_the_trail_estimated()

    page = operator.get(TRAIL).content.decode()

    if connection.vendor == "postgresql":
        assert "about 1,001 in all (estimated)" in page
    else:
        assert "more than 1,000 in all" in page


def test_an_id_tells_when_it_was_made() -> None:
    before, made, after = timezone.now(), new_id(), timezone.now() + timedelta(seconds=1)

    assert first_id_of(before - timedelta(milliseconds=1)) < made < first_id_of(after)
    assert str(first_id_of(datetime(2026, 11, 20, tzinfo=UTC))).startswith("01a1f640-bc00-7000-8000")


def test_rows_are_filtered_by_when_they_were_stored(operator: Client) -> None:
    suite = make_suite(now=timezone.now())
    old_id = first_id_of(timezone.now() - timedelta(days=3))
    ReceivedPush.objects.create(id=old_id, suite=suite, digest="old", received_at=timezone.now())
    ReceivedPush.objects.create(suite=suite, digest="new", received_at=timezone.now())

    page = operator.get("/admin/dingtalk/receivedpush/?stored_since=1").context["cl"]

    assert [push.digest for push in page.result_list] == ["new"]
