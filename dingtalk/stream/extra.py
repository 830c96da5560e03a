"""Whether the packages of the extra are installed."""

from importlib.util import find_spec

PACKAGE = "dingtalk_stream"
INSTALL_COMMAND = "pip install --require-hashes -r requirements-stream.txt"


def is_extra_installed() -> bool:
    """Whether the official client of Stream mode can be imported."""
    return find_spec(PACKAGE) is not None
