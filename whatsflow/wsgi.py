"""The WSGI application: plain HTTP, served by granian."""

import os

from django.core.wsgi import get_wsgi_application

from whatsflow.core.readable import only_utf8

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whatsflow.settings")
application = only_utf8(get_wsgi_application())
