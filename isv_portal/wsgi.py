"""The WSGI application that the server runs: `granian --interface wsgi isv_portal.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "isv_portal.settings")
application = get_wsgi_application()
