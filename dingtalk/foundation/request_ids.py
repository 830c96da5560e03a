"""The id of a request, on each of its log lines and in its answer."""

import re
import secrets
from collections.abc import Mapping
from typing import Any

from dingtalk.foundation.redaction import redact_text

REQUEST_ID_HEADER = "X-Request-ID"

_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_of(environ: Mapping[str, Any]) -> str:
    """Return the id that a proxy gave a WSGI request, masked like all from outside, or a new one."""
    given = str(environ.get("HTTP_X_REQUEST_ID", ""))
    return redact_text(given) if _GIVEN.fullmatch(given) else secrets.token_hex(16)
