from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from dingtalk.foundation.audit import Actor, record
from dingtalk.foundation.models import ActorKind, AppendOnlyError, AuditEntry
from tests.support.vault.models import Chest, Job

pytestmark = pytest.mark.django_db

NOW = datetime(2025, 11, 24, 8, 30, tzinfo=UTC)
OPERATOR = Actor(kind=ActorKind.OPERATOR, name="alice", source_ip="10.0.0.9", request_id="req-1")


@pytest.fixture
def entry() -> AuditEntry:
    return record(action="job.close", actor=OPERATOR, target=None, now=NOW)


def test_an_entry_says_who_did_what_to_what_from_where():
    job = Job.objects.create(state="open")

    record(action="job.close", actor=OPERATOR, target=job, details={"state": ["open", "closed"]}, now=NOW)

    entry = AuditEntry.objects.get()
    assert (entry.at, entry.actor_kind, entry.actor, entry.action) == (NOW, "operator", "alice", "job.close")
    assert (entry.object_type, entry.object_id, entry.object_label) == ("vault.job", str(job.pk), "open")
    assert (entry.source_ip, entry.request_id) == ("10.0.0.9", "req-1")
    assert entry.details == {"state": ["open", "closed"]}


def test_an_entry_may_have_no_object_and_no_address():
    entry = record(action="portal.start", actor=Actor(ActorKind.SYSTEM, "beat"), target=None, now=NOW)

    assert (entry.object_type, entry.object_id, entry.source_ip, entry.details) == ("", "", None, {})


def test_secrets_in_the_details_are_masked():
    details = {"suite_secret": "canary", "note": "access_token=canary", "when": NOW, "count": 2}

    record(action="suite.edit", actor=OPERATOR, target=None, details=details, now=NOW)

    stored = AuditEntry.objects.get().details
    assert stored["suite_secret"] == "***"
    assert "canary" not in str(stored)
    assert (stored["when"], stored["count"]) == ("2025-11-24T08:30:00Z", 2)


def test_a_name_that_would_deceive_the_reader_is_shown_escaped_and_cut_to_its_column():
    job = Job(state="公司\u202efdp\n" + "x" * 500)

    entry = record(action="job.close", actor=OPERATOR, target=job, now=NOW)

    assert entry.object_label.startswith("公司\\u202efdp\\u000ax")
    assert len(entry.object_label) == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.save(),
        lambda entry: entry.save(update_fields=["actor"]),
        lambda entry: AuditEntry.objects.update(actor="mallory"),
        lambda entry: AuditEntry.objects.filter(pk=entry.pk).update(actor="mallory"),
        lambda entry: AuditEntry._base_manager.update(actor="mallory"),
        lambda entry: AuditEntry.objects.bulk_update([entry], ["actor"]),
        lambda entry: AuditEntry.objects.bulk_create(
            [entry], update_conflicts=True, update_fields=["actor"], unique_fields=["id"]
        ),
        lambda entry: AuditEntry.objects.update_or_create(pk=entry.pk, defaults={"actor": "mallory"}),
        lambda entry: AuditEntry.objects.get(pk=entry.pk).delete(),
        lambda entry: AuditEntry.objects.all().delete(),
        lambda entry: AuditEntry.objects.filter(pk=entry.pk).delete(),
        lambda entry: AuditEntry._base_manager.all().delete(),
    ],
)
def test_an_entry_is_neither_changed_nor_deleted(entry, change):
    entry.actor = "mallory"

    with pytest.raises(AppendOnlyError), transaction.atomic():
        change(entry)

    assert AuditEntry.objects.get().actor == "alice"


def test_a_new_entry_under_the_id_of_an_old_one_is_refused_by_the_database(entry):
    forged = AuditEntry(pk=entry.pk, at=NOW, actor_kind="operator", actor="mallory", action="x")

    with pytest.raises(IntegrityError), transaction.atomic():
        forged.save()


def test_an_unknown_kind_of_actor_is_refused_by_the_database():
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.create(at=NOW, actor_kind="ghost", actor="x", action="x")


def test_several_entries_can_be_added_at_once():
    AuditEntry.objects.bulk_create(
        AuditEntry(at=NOW, actor_kind="system", actor="beat", action=action) for action in ("a", "b")
    )

    assert AuditEntry.objects.count() == 2


def test_the_newest_entry_comes_first():
    for hours in (1, 2, 3):
        record(action=f"after.{hours}", actor=OPERATOR, target=None, now=NOW + timedelta(hours=hours))

    assert [entry.action for entry in AuditEntry.objects.all()] == ["after.3", "after.2", "after.1"]


@pytest.mark.usefixtures("use_keys")
def test_an_entry_is_rolled_back_with_the_change_that_it_tells_of():
    with transaction.atomic():
        record(action="chest.add", actor=OPERATOR, target=Chest.objects.create(secret="x"), now=NOW)
        transaction.set_rollback(True)

    assert not AuditEntry.objects.exists()
