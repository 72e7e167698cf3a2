"""The WSGI application: plain HTTP, served by granian."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from core.web.charset import only_utf8

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whatsflow.settings")
application = only_utf8(get_wsgi_application())

get_resolver().url_patterns  # noqa: B018 - reading it loads all pages and the API

# What is loaded by now stays for good, and a page leaves few circles of objects: looking for them as often as Python
# does by itself costs up to a tenth of a page.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
