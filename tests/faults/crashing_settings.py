"""The portal's own settings, and crash points (see `crash_points`)."""

from isv_portal.settings import *  # noqa: F403
from isv_portal.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.crashing_app.CrashingConfig"]
