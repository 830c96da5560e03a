"""The portal's settings, with its middleware and its log, in front of the empty view."""

from isv_portal.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.empty_urls"
