"""The portal's settings with nothing but the empty view: no middleware, no log line, no database."""

from isv_portal.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.empty_urls"
MIDDLEWARE = []
