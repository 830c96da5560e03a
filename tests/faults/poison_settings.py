"""The portal's own settings, and an event that kills whoever handles it (see `poison_app`)."""

from isv_portal.settings import *  # noqa: F403
from isv_portal.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.poison_app.PoisonConfig"]
