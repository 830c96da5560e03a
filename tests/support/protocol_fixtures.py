"""The recorded vectors and pushed events, loaded from `tests/fixtures`."""

import json
from pathlib import Path
from typing import Any

import pytest

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


def vector_params(kind: str) -> list[Any]:
    """Return a pytest parameter for each vector of a kind, named as in the file."""
    vectors = json.loads((FIXTURES / "protocol" / "vectors.json").read_text(encoding="utf-8"))["vectors"]
    return [pytest.param(vector, id=vector["id"]) for vector in vectors if vector["kind"] == kind]


def load_event(name: str) -> dict[str, Any]:
    """Return the pushed event `tests/fixtures/callbacks/<name>.json`."""
    return json.loads((FIXTURES / "callbacks" / f"{name}.json").read_text(encoding="utf-8"))


def event_names() -> list[str]:
    """Return the names of all recorded events."""
    return sorted(path.stem for path in (FIXTURES / "callbacks").glob("*.json"))
