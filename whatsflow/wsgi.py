"""WSGI application: plain HTTP, served by granian."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from core.web.charset import only_utf8

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whatsflow.settings")
application = only_utf8(get_wsgi_application())

get_resolver().url_patterns  # noqa: B018 - loads all views and the API

# What is loaded by now is permanent, and a page leaves few reference cycles: collecting at Python's default thresholds
# costs up to a tenth of a page.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
