"""The push database's URL, read strictly: what is wrong with it is said without showing it."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit

DEFAULT_PORT = 3306
_SCHEMES = frozenset({"mysql", "mariadb"})
_NAME = re.compile(r"[A-Za-z0-9_$-]{1,64}", re.ASCII)
_FORM = "mysql://user:password@host:3306/name"


class AddressError(ValueError):
    """The URL does not name a database; the text shows nothing of it."""


class Tls(StrEnum):
    """
    How the connection is encrypted.

    PREFERRED: if the server can. REQUIRED: always. VERIFY: always, and the certificate is checked against
    the authorities and the host's name.
    """

    OFF = "off"
    PREFERRED = "preferred"
    REQUIRED = "required"
    VERIFY = "verify"


@dataclass(frozen=True)
class RdsAddress:
    """Where the push database is, and who we are there."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        """The place without who we are: for logs, pages, and as the key of how far it was read."""
        return f"{self.host}:{self.port}/{self.name}"


def read_address(url: str) -> RdsAddress:
    """Return what `mysql://user:password@host:port/name` names; raises AddressError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressError(f"Not a URL of the form {_FORM}.") from None
    if parts.scheme not in _SCHEMES or parts.query or parts.fragment:
        raise AddressError(f"Not a URL of the form {_FORM}.")
    if not parts.hostname or not parts.username or port == 0:
        raise AddressError(f"No host, user or usable port: a URL has the form {_FORM}.")
    return RdsAddress(
        host=parts.hostname,
        port=port or DEFAULT_PORT,
        name=_database_name(parts),
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
    )


def _database_name(parts: SplitResult) -> str:
    name = unquote(parts.path.removeprefix("/"))
    if not _NAME.fullmatch(name):
        raise AddressError(f"No usable database name: a URL has the form {_FORM}.")
    return name
