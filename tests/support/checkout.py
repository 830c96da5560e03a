"""The checkout that the tests belong to, and its programs run as they are run in earnest."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


def clean_environment(**variables: str) -> dict[str, str]:
    """Return an environment that knows nothing of this test run but what is given."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "ENV_FILE": os.devnull, "PYTHONUNBUFFERED": "1", **variables}


def run_python(
    arguments: Sequence[str], *, env: dict[str, str], folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run Python with the arguments to its end; returns what it printed and its status."""
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, env=env, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
