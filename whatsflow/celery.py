"""Celery application. Tasks only start work; the queue of work is in the database."""

import os

from celery import Celery

from whatsflow import inprocess_broker  # noqa: F401  registers the broker of the embedded default

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whatsflow.settings")

app = Celery("whatsflow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
