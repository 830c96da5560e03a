"""The WSGI application that the server runs: `granian --interface wsgi isv_portal.wsgi:application`."""

import gc
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "isv_portal.settings")
_django = get_wsgi_application()

from dingtalk import callback_endpoint  # noqa: E402 - its models need Django to be set up
from dingtalk.foundation import arrivals  # noqa: E402
from tenants.api.warm_answers import warm_answer  # noqa: E402

# What is here now stays: looking through all of it again and again would stop every thread for tens of
# milliseconds. And of what a request makes next to nothing refers to itself.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 20)


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer what comes most by ways of its own, callbacks and warm tokens, and all else by Django."""
    arrivals.begin()
    try:
        if settings.PORTAL_ROLE != "web" and callback_endpoint.is_callback(environ):
            return callback_endpoint.application(environ, start_response)
        if settings.PORTAL_ROLE != "callback" and (answer := warm_answer(environ)):
            return answer.send(start_response)
        return _django(environ, start_response)
    finally:
        arrivals.end()
