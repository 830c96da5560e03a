"""`manage.py tenant`."""

import json
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from django.core.management import CommandError, call_command

from dingtalk.foundation.models import AuditEntry
from tenants.models import AuthCorp, Tenant, TenantState
from tests.tenants.conftest import CORP_ID, make_suite

HEADER = "suite,corp_id,permanent_code\n"

pytestmark = pytest.mark.django_db


class Output:
    """What a run printed, and with which exit code it ended."""

    def __init__(self, *arguments: str) -> None:
        out, err = StringIO(), StringIO()
        self.exit_code = 0
        try:
            call_command("tenant", *arguments, stdout=out, stderr=err)
        except SystemExit as end:
            self.exit_code = end.code
        self.out, self.err = out.getvalue(), err.getvalue()

    def json(self):
        return json.loads(self.out)


@pytest.fixture
def write(tmp_path):
    def _write(text: str, name: str = "tenants.csv") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return _write


class TestImport:
    """`tenant import`."""

    def test_a_csv_file_is_imported(self, suite, write):
        output = Output("import", write(HEADER + "suitekey0001,c1,hush-1\n900001,c2,hush-2\n"), "--json")

        assert output.exit_code == 0
        assert (output.json()["imported"], output.json()["known"], output.json()["problems"]) == (2, 0, [])
        assert Tenant.objects.count() == 2

    def test_a_json_file_is_known_by_its_name(self, suite, write):
        items = [{"suite": "suitekey0001", "corp_id": "c1", "permanent_code": "hush-1"}]

        assert Output("import", write(json.dumps(items), "tenants.json"), "--json").json()["imported"] == 1

    def test_the_format_can_be_said(self, suite, write):
        items = [{"suite": "suitekey0001", "corp_id": "c1", "permanent_code": "hush-1"}]

        output = Output("import", write(json.dumps(items), "tenants.txt"), "--format", "json", "--json")
        assert output.json()["imported"] == 1

    def test_the_file_may_come_by_standard_input(self, suite, monkeypatch):
        content = (HEADER + "suitekey0001,c1,hush-1\n").encode()
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(content)))

        assert Output("import", "-", "--json").json()["imported"] == 1

    def test_a_dry_run_says_what_would_be_and_changes_nothing(self, suite, write, active_tenant):
        path = write(HEADER + f"suitekey0001,c1,hush-1\nsuitekey0001,{CORP_ID},hush-2\n")

        report = Output("import", path, "--dry-run", "--json").json()

        assert (report["dry_run"], report["imported"], report["right"], report["known"]) == (True, 0, 2, 1)
        assert report["tenants"][1] == {
            "row": 3,
            "suite_key": "suitekey0001",
            "corp_id": CORP_ID,
            "is_known": True,
        }
        assert not AuthCorp.objects.filter(corp_id="c1").exists()
        active_tenant.refresh_from_db()
        assert active_tenant.permanent_code == "perm-1"

    def test_one_wrong_row_and_nothing_is_imported(self, suite, write):
        output = Output("import", write(HEADER + "suitekey0001,c1,hush-1\nnosuchsuite,c2,hush-2\n"))

        assert output.exit_code == 1
        assert "3" in output.err and "suite" in output.err
        assert not Tenant.objects.exists()

    def test_the_problems_come_as_json_too(self, suite, write):
        output = Output("import", write(HEADER + "suitekey0001,,hush-1\n"), "--json")

        assert output.exit_code == 1
        assert [(problem["row"], problem["column"]) for problem in output.json()["problems"]] == [
            (2, "corp_id")
        ]

    @pytest.mark.parametrize("arguments", [(), ("--json",), ("--dry-run",)])
    def test_permanent_codes_are_never_printed(self, suite, write, arguments, caplog):
        path = write(HEADER + "suitekey0001,c1,hush-1\nsuitekey0001,c1,hush-2\nsuitekey0001,c3,hush 3\n")
        good = write(HEADER + "suitekey0001,c1,hush-1\n", "good.csv")

        outputs = [Output("import", path, *arguments), Output("import", good, *arguments)]

        assert all("hush" not in output.out + output.err for output in outputs)
        assert "hush" not in caplog.text

    def test_a_file_that_is_not_there_or_none_is_an_error(self, suite, write, tmp_path):
        for path in (str(tmp_path / "nowhere.csv"), str(tmp_path), write("hello"), write("{}", "a.json")):
            with pytest.raises(CommandError):
                Output("import", path)


class TestLooking:
    """`tenant list` and `tenant show`."""

    def test_tenants_are_listed_newest_first_and_filtered(self, suite, active_tenant):
        other = make_suite(suite_key="suitekey0002", suite_id="900002")
        corp = AuthCorp.objects.create(corp_id="c2", name="深圳\u202e前海")
        Tenant.objects.create(suite=other, corp=corp, state=TenantState.STOPPED)

        def listed(*arguments: str) -> list[str]:
            return [tenant["corp_id"] for tenant in Output("list", *arguments, "--json").json()]

        assert listed() == ["c2", CORP_ID]
        assert listed("--state", "stopped") == ["c2"]
        assert listed("--suite", "suitekey0001") == [CORP_ID]
        assert listed("--corp", "c2") == ["c2"]
        assert listed("--limit", "1") == ["c2"]
        assert "\\u202e" in Output("list").out

    @pytest.mark.parametrize("limit", ["0", "-1", "1001"])
    def test_a_list_is_bounded(self, limit):
        with pytest.raises(CommandError):
            Output("list", "--limit", limit)

    def test_a_tenant_is_shown_with_its_history(self, active_tenant):
        shown = Output("show", "suitekey0001", CORP_ID, "--json").json()

        assert (shown["corp_id"], shown["state"]) == (CORP_ID, "active")
        assert shown["transitions"][0]["reason"] == "org_suite_auth"
        assert "perm-1" not in Output("show", "suitekey0001", CORP_ID).out

    def test_one_that_is_not_there_is_an_error(self, suite):
        with pytest.raises(CommandError):
            Output("show", "suitekey0001", "dingnobody")


def test_tenants_are_reconciled_by_filter(suite, active_tenant):
    corp = AuthCorp.objects.create(corp_id="c2")
    Tenant.objects.create(suite=suite, corp=corp, state=TenantState.FAILED, attempts=12)

    assert Output("reconcile", "--state", "failed", "--json").json() == {"requested": 1}

    assert Tenant.objects.get(corp=corp).next_reconcile_at is not None
    active_tenant.refresh_from_db()
    assert active_tenant.next_reconcile_at is None
    [entry] = AuditEntry.objects.filter(action="tenant.reconcile")
    assert entry.details == {"state": "failed", "tenants": 1}


@pytest.mark.parametrize("arguments", [(), ("--all", "--state", "failed")])
def test_all_tenants_are_reconciled_only_when_that_is_said(active_tenant, arguments):
    with pytest.raises(CommandError):
        Output("reconcile", *arguments)

    assert Output("reconcile", "--all", "--json").json() == {"requested": 1}
