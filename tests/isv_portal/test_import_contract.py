import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, clean_environment

PACKAGES = ("isv_portal", "tenants", "dingtalk")


@pytest.fixture
def copy(tmp_path) -> Path:
    """The packages and the contract, to be broken."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(
        command, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False
    )


def test_imports_point_one_way(copy):
    result = lint_imports(copy)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("dingtalk/routing.py", "import tenants.services"),
        ("tenants/services.py", "import isv_portal.urls_web"),
        ("dingtalk/protocol/crypto.py", "import django.conf"),
        ("dingtalk/protocol/crypto.py", "import requests"),
        ("dingtalk/foundation/ids.py", "import dingtalk.models"),
        ("dingtalk/simulator/__init__.py", "import dingtalk.protocol.crypto"),
        ("dingtalk/simulator/__init__.py", "import tenants.models"),
    ],
)
def test_an_import_the_other_way_is_found(copy, module, line):
    broken = copy / module
    broken.write_text(f"{broken.read_text()}\n{line}\n")

    result = lint_imports(copy)

    assert result.returncode != 0
    assert "BROKEN" in result.stdout
