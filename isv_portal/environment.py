"""
How variables are read: from the process's environment, else from the file `.env` (or ENV_FILE).

A variable that is set to nothing counts as not set, since compose files and shells pass those along.
`NAME_FILE` names a file that holds the value of `NAME`, as container secrets do.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured
from environs import EnvValidationError, FileAwareEnv, ValidationError

from dingtalk.foundation.keyring import KeyRing, KeyRingError
from dingtalk.rds.address import AddressError, read_address

_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class PortalEnv(FileAwareEnv):
    """Reads variables, collects what is wrong with them, and says all of it at once."""

    def __init__(self) -> None:
        super().__init__(eager=False, strip_whitespace=True)

    def read_env(self, *args: Any, **kwargs: Any) -> Any:
        """Read another env file; what an earlier one has set, to something, stays."""
        found = super().read_env(*args, **kwargs)
        for name in [name for name, value in self._environ.items() if not value]:
            del self._environ[name]
        return found

    def _get_value(self, env_key: str, default: Any) -> Any:
        try:
            value = super()._get_value(env_key, default)
        except ValueError as error:
            self._errors[env_key].append(str(error))
            return default
        return default if value == "" else value

    def seal(self) -> None:
        """Refuse further reading; raises ImproperlyConfigured with one line for each wrong variable."""
        try:
            super().seal()
        except EnvValidationError as error:
            wrong: Any = error.error_messages
            lines = [f"  {name}: {' '.join(map(str, texts))}" for name, texts in wrong.items()]
            raise ImproperlyConfigured("\n".join(["These variables are wrong:", *lines])) from None


def read_environment(base_dir: Path) -> PortalEnv:
    """Return a reader that also knows the variables of the env file."""
    env = PortalEnv()
    env.read_env(os.environ.get("ENV_FILE") or base_dir / ".env", recurse=False)
    return env


def is_loopback(url: str) -> bool:
    """Whether the URL names this machine."""
    return urlsplit(url).hostname in _LOOPBACK_HOSTS


def known_time_zone(name: str) -> str:
    """Validate the name of a time zone; raises ValidationError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError("Not a known time zone.") from error
    return name


def usable_keys(text: str) -> str:
    """Validate encryption keys, `id:base64,…`; raises ValidationError, which shows no key."""
    try:
        KeyRing.parse(text)
    except KeyRingError as error:
        raise ValidationError(str(error)) from error
    return text


def readable_push_database(url: str) -> str:
    """Validate the URL of the push database, or none; raises ValidationError, which shows nothing of it."""
    try:
        if url:
            read_address(url)
    except AddressError as error:
        raise ValidationError(str(error)) from error
    return url


def existing_file(path: str) -> str:
    """Validate the path of a file, or its absence; raises ValidationError."""
    if path and not Path(path).is_file():
        raise ValidationError("There is no such file.")
    return path
