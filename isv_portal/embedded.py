"""
What the embedded mode (no services, nothing set) needs before settings can be read.

Two secrets cannot have a default in the code. In embedded mode they are made once, on the first
start, and kept in the data directory; in services mode their absence stops the start instead.
"""

import base64
import os
import secrets
from pathlib import Path

SECRETS_FILE_NAME = "secrets.env"


def ensure_secrets_file(data_dir: Path) -> Path:
    """Return the file with SECRET_KEY and FIELD_ENCRYPTION_KEYS, made (mode 0600) when missing."""
    path = data_dir / SECRETS_FILE_NAME
    if path.exists():
        return path
    data_dir.mkdir(parents=True, exist_ok=True)
    draft = data_dir / f".{SECRETS_FILE_NAME}.{os.getpid()}"
    draft.touch(mode=0o600)
    draft.write_text(_fresh_secrets(), encoding="utf-8")
    _publish_once(draft, path)
    return path


def _fresh_secrets() -> str:
    encryption_key = base64.b64encode(secrets.token_bytes(32)).decode()
    return f"SECRET_KEY={secrets.token_urlsafe(64)}\nFIELD_ENCRYPTION_KEYS=k1:{encryption_key}\n"


def _publish_once(draft: Path, path: Path) -> None:
    """Two processes may start at once: the first link wins, and both then read the same file."""
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
