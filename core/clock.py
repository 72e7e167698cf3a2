"""Time. Wall-clock time for people, monotonic time for time-outs, database time for leases."""

from datetime import datetime
from typing import cast

from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime


def now() -> datetime:
    """The current time, aware, in UTC."""
    return timezone.now()


def database_now() -> datetime:
    """The database's clock, aware, in UTC: what leases are measured with, whatever this machine's clock says."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT statement_timestamp()")
            return cast(datetime, cursor.fetchone()[0])
        cursor.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")
        moment = parse_datetime(cursor.fetchone()[0])
        assert moment is not None
        return moment
