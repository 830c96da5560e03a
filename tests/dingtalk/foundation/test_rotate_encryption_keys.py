import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import translation

from tests.support.vault.models import Box

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("use_keys")]


def run(*arguments: str) -> tuple[int, str, str]:
    """Run the command; return its exit code and what it wrote."""
    out, err = StringIO(), StringIO()
    try:
        with translation.override("en"):
            call_command("rotate_encryption_keys", *arguments, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_the_whole_change_of_a_key(use_keys):
    Box.objects.create(secret="canary")
    use_keys("new", "old")
    assert run("--check-unused", "old")[0] == 1

    code, out, _ = run()
    assert code == 0
    assert "vault.Box: 1 rows, 1 rotated, 0 left, 0 unreadable" in out

    code, out, _ = run("--check-unused", "old")
    assert (code, "can be taken out" in out) == (0, True)
    use_keys("new")
    assert Box.objects.get().secret == "canary"


def test_a_dry_run_with_something_to_do_ends_with_1_and_writes_nothing(use_keys):
    box = Box.objects.create(secret="x")
    use_keys("new", "old")

    code, out, _ = run("--dry-run")

    assert (code, "1 left" in out) == (1, True)
    assert Box.objects.values_list("secret", flat=True).get().key_id == "old"
    assert Box.objects.get(pk=box.pk).secret == "x"


def test_the_report_as_json(use_keys):
    Box.objects.create(secret="canary")
    use_keys("new", "old")

    code, out, err = run("--json")

    report = json.loads(out)
    assert (code, err) == (0, "")
    assert (report["primary_key_id"], report["dry_run"]) == ("new", False)
    box = next(entry for entry in report["models"] if entry["model"] == "vault.Box")
    assert (box["seen"], box["rotated"], box["left"], box["unreadable"]) == (1, 1, 0, 0)
    assert "canary" not in out


def test_an_unreadable_row_ends_with_1_and_is_named(use_keys):
    box = Box.objects.create(secret="x")
    use_keys("new")

    code, out, err = run()

    assert (code, "1 unreadable" in out) == (1, True)
    assert str(box.pk) in err


def test_the_first_key_is_never_unused():
    code, out, _ = run("--check-unused", "old")

    assert (code, "it encrypts" in out) == (1, True)


def test_a_used_key_is_reported_with_its_rows_as_json(use_keys):
    Box.objects.create(secret="x", spare="y")
    use_keys("new", "old")

    code, out, _ = run("--check-unused", "old", "--json")

    assert code == 1
    assert json.loads(out) == {
        "key_id": "old",
        "unused": False,
        "is_primary": False,
        "rows": {"vault.Box": 1},
    }
