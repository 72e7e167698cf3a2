"""Clocks: wall-clock time, and the database's time for leases. Timeouts use `time.monotonic`."""

from datetime import datetime
from typing import cast

from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return timezone.now()


def database_now() -> datetime:
    """Return the database's current time, aware, in UTC. Leases use it: clocks of machines differ."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT statement_timestamp()")
            return cast(datetime, cursor.fetchone()[0])
        cursor.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")
        moment = parse_datetime(cursor.fetchone()[0])
        assert moment is not None
        return moment
