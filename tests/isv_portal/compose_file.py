"""docker-compose.yml as the tests read it."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.support.checkout import ROOT

TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# Those that run our image; the others are PostgreSQL and Valkey.
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
_VARIABLE = re.compile(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}")


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """Replace `${NAME}`, `${NAME:-default}` and `${NAME:?message}` as compose does; raises for the last."""

    def value_of(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        value = variables.get(name, "")
        if not value and kind == ":?":
            raise ValueError(f"{name}: {rest}")
        return value or (rest if kind == ":-" else "")

    return _VARIABLE.sub(value_of, text)
