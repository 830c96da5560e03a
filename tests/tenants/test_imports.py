"""Taking over companies: every row is checked first, then all are written or none."""

import pytest

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind, AuditEntry
from tenants import imports, services
from tenants.import_files import ImportRow
from tenants.models import AuthCorp, Tenant, TenantState
from tests.tenants.conftest import CORP_ID, make_suite, moment

OPERATOR = Actor(kind=ActorKind.COMMAND, name="manage.py tenant")

pytestmark = pytest.mark.django_db


def rows(*values: tuple[str, str, str]) -> list[ImportRow]:
    return [ImportRow(number, *value) for number, value in enumerate(values, start=2)]


def problems(*values: tuple[str, str, str]) -> list[tuple[int, str]]:
    return [(problem.row, problem.column) for problem in imports.plan_import(rows(*values)).problems]


def carry_out(*values: tuple[str, str, str], **options) -> int:
    return imports.carry_out(imports.plan_import(rows(*values)), now=moment(), actor=OPERATOR, **options)


def test_right_rows_become_tenants_that_dingtalk_is_asked_about(suite):
    assert carry_out(("suitekey0001", "c1", "p1"), ("900001", "c2", "p2")) == 2

    tenants = Tenant.objects.order_by("corp__corp_id")
    assert [(tenant.corp.corp_id, tenant.permanent_code) for tenant in tenants] == [
        ("c1", "p1"),
        ("c2", "p2"),
    ]
    assert all(tenant.grant_unconfirmed and tenant.next_reconcile_at == moment() for tenant in tenants)


def test_each_wrong_row_is_named_with_its_column(suite):
    assert problems(
        ("suitekey0001", "c1", "p1"),
        ("nosuchsuite", "c2", "p2"),
        ("", "c3", "p3"),
        ("suitekey0001", "", "p4"),
        ("suitekey0001", "c 5", "p5"),
        ("suitekey0001", "c6\0", "p6"),
        ("suitekey0001", "企业", "p7"),
        ("suitekey0001", "c" * 65, "p8"),
        ("suitekey0001", "c9", ""),
        ("suitekey0001", "c10", "p" * 257),
        ("suitekey0001", "c11", "p\n11"),
        ("nosuchsuite", "", ""),
    ) == [
        (3, "suite"),
        (4, "suite"),
        (5, "corp_id"),
        (6, "corp_id"),
        (7, "corp_id"),
        (8, "corp_id"),
        (9, "corp_id"),
        (10, "permanent_code"),
        (11, "permanent_code"),
        (12, "permanent_code"),
        (13, "suite"),
        (13, "corp_id"),
        (13, "permanent_code"),
    ]


def test_the_same_company_twice_is_a_problem_also_when_the_suite_is_named_in_two_ways(suite):
    assert problems(("suitekey0001", "c1", "p1"), ("900001", "c1", "p2"), ("900001", "c2", "p1")) == [
        (3, "corp_id")
    ]


def test_an_id_that_two_suites_have_is_a_problem_and_their_keys_are_not(suite):
    make_suite(suite_key="suitekey0002", suite_id="900001")

    assert problems(("900001", "c1", "p1"), ("suitekey0002", "c1", "p1")) == [(2, "suite")]


def test_a_damaged_row_is_a_problem_of_the_whole_row(suite):
    plan = imports.plan_import([ImportRow(2, damage="2 values instead of 3.")])

    assert [(problem.row, problem.column, problem.message) for problem in plan.problems] == [
        (2, "", "2 values instead of 3.")
    ]


def test_a_plan_with_one_wrong_row_writes_nothing(suite):
    with pytest.raises(ValueError, match="not carried out"):
        carry_out(("suitekey0001", "c1", "p1"), ("suitekey0001", "", "p2"))

    assert not Tenant.objects.exists() and not AuthCorp.objects.exists()


def test_an_import_that_fails_half_way_leaves_nothing(suite):
    def fail_at_the_second(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(
            ("suitekey0001", "c1", "p1"),
            ("suitekey0001", "c2", "p2"),
            ("suitekey0001", "c3", "p3"),
            progress=fail_at_the_second,
        )

    assert not Tenant.objects.exists() and not AuthCorp.objects.exists()
    assert not AuditEntry.objects.exists()


def test_checking_changes_nothing(suite):
    imports.plan_import(rows(("suitekey0001", "c1", "p1")))

    assert not Tenant.objects.exists() and not AuthCorp.objects.exists()


def test_a_company_that_is_a_tenant_already_is_said_to_be_and_keeps_its_state(suite, active_tenant):
    plan = imports.plan_import(rows(("suitekey0001", CORP_ID, "new-code"), ("suitekey0001", "c2", "p2")))
    imports.carry_out(plan, now=moment(60), actor=OPERATOR)

    assert [(entry.corp_id, entry.is_known) for entry in plan.entries] == [(CORP_ID, True), ("c2", False)]
    active_tenant.refresh_from_db()
    assert (active_tenant.state, active_tenant.permanent_code) == (TenantState.ACTIVE, "new-code")


def test_the_same_file_may_be_imported_twice(suite):
    carry_out(("suitekey0001", "c1", "p1"))
    carry_out(("suitekey0001", "c1", "p1"))

    assert Tenant.objects.count() == 1


def test_a_company_known_on_another_suite_is_new_here(suite):
    other = make_suite(suite_key="suitekey0002", suite_id="900002")
    services.import_tenant(suite=other, corp_id="c1", permanent_code="p", now=moment())

    assert imports.plan_import(rows(("suitekey0001", "c1", "p1"))).known == 0


def test_the_import_is_audited_without_its_codes(suite):
    carry_out(("suitekey0001", "c1", "permanent-code-1"), ("suitekey0001", "c2", "permanent-code-2"))

    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.details["tenants"]) == ("tenant.import", 2)
    assert entry.details["by_suite"] == {"suitekey0001": 2}
    assert "permanent-code" not in repr(entry.details)


def test_progress_is_told_row_by_row(suite):
    seen: list[int] = []

    carry_out(("suitekey0001", "c1", "p1"), ("suitekey0001", "c2", "p2"), progress=seen.append)

    assert seen == [1, 2]


def test_no_plan_shows_a_permanent_code(suite):
    plan = imports.plan_import(rows(("suitekey0001", "c1", "hush-1"), ("suitekey0001", "c 2", "hush-2")))

    assert "hush" not in repr(plan)


def test_checking_many_rows_takes_few_queries(suite, django_assert_max_num_queries):
    many = rows(*[("suitekey0001", f"c{number}", "p") for number in range(1200)])

    with django_assert_max_num_queries(4):
        assert len(imports.plan_import(many).entries) == 1200
