"""Figures over two years: the overview at the server, the roll-up of a day beside one statement, and a rebuild.

`python -m tests.benchmarks.figures` measures inside a process of the project and answers JSON; `results` starts it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.report import Result, median
from tests.benchmarks.site import ROOT, Place

DAYS = 730
BARE = """
WITH day AS (
    SELECT * FROM messages
    WHERE business_profile_id = %(business)s AND created_at >= %(begins)s AND created_at < %(ends)s
), turns AS (
    SELECT day.*, SUM((direction = 'outbound')::int) OVER (PARTITION BY conversation_id ORDER BY created_at, id)
        - (direction = 'outbound')::int AS turn FROM day
), waits AS (
    SELECT direction, sender_id, created_at - MIN(created_at) FILTER (WHERE direction = 'inbound')
        OVER (PARTITION BY conversation_id, turn) AS wait FROM turns
)
SELECT
    (SELECT json_agg(g) FROM (
        SELECT connection_id, direction, message_type, sender_id, EXTRACT(hour FROM created_at AT TIME ZONE %(zone)s),
            COUNT(*), COUNT(*) FILTER (WHERE status IN ('delivered', 'read')), COUNT(*) FILTER (WHERE status = 'read'),
            COUNT(*) FILTER (WHERE status = 'failed')
        FROM day GROUP BY 1, 2, 3, 4, 5) AS g),
    (SELECT COUNT(DISTINCT contact_id) FROM day WHERE direction = 'inbound'),
    (SELECT COUNT(DISTINCT contact_id) FROM day WHERE direction = 'outbound'),
    (SELECT COUNT(DISTINCT conversation_id) FROM day),
    (SELECT json_agg(w) FROM (
        SELECT sender_id, percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY wait)
        FROM waits WHERE direction = 'outbound' GROUP BY 1) AS w),
    (SELECT COUNT(*) FROM contacts
        WHERE business_profile_id = %(business)s AND created_at >= %(begins)s AND created_at < %(ends)s)
"""
"""What somebody would write for the figures of one day: waits within the day only, nothing kept."""
SCAN = """
SELECT date_trunc('day', created_at, %(zone)s), direction, message_type, COUNT(*), COUNT(DISTINCT contact_id)
FROM messages WHERE business_profile_id = %(business)s GROUP BY 1, 2, 3
"""


def results(place: Place) -> list[Result]:
    """The measurements of this file in `place`, which holds a history of two years."""
    command = [sys.executable, "-m", "tests.benchmarks.figures"]
    out = subprocess.run(command, cwd=ROOT, env=place.environment, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
    overview, day, bare = found["overview"], found["day"], found["bare"]
    rebuild, scan = found["rebuild"], found["scan"]
    days = f"{found['days']} days"
    return [
        Result("overview of 90 days", overview, "ms", None, "", "< 100 ms", overview < 100),
        Result("roll-up of one day", day, "ms", bare, "ms one statement", "<= 2 x", day <= 2 * bare),
        Result("rebuild of two years", rebuild, "s", None, "", "< 120 s", rebuild < 120, days),
        Result(
            "rebuild of two years, ratio",
            rebuild,
            "s",
            scan,
            "s counting scan",
            "<= 3 x",
            rebuild <= 3 * scan,
        ),
    ]


def _timed(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _measure() -> dict[str, Any]:
    """Seconds of the long ones, milliseconds of the others."""
    from datetime import date, timedelta
    from zoneinfo import ZoneInfo

    from django.db import connection

    from analytics import figures, localtime
    from analytics.periods import Period
    from analytics.services import rollups
    from whatsflow.demo import build

    business = build.find()
    assert business is not None, "manage.py demo comes first"
    zone = ZoneInfo(business.time_zone)
    first = rollups.first_date(business)
    assert first is not None
    rollups.catch_up(business)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE daily_stats, daily_message_stats, daily_agent_stats")
    rebuild = _timed(lambda: rollups.rebuild(business, first, date.today()))
    chosen = [date.today() - timedelta(days=number) for number in range(30, 60, 2)]
    period = Period(date.today() - timedelta(days=89), date.today(), zone)

    def statement(sql: str, when: date) -> None:
        begins, ends = localtime.bounds(zone, when, when)
        with connection.cursor() as cursor:
            given = {"business": business.pk, "begins": begins, "ends": ends, "zone": zone.key}
            cursor.execute(sql, given)
            cursor.fetchall()

    for when in chosen[:3]:
        statement(BARE, when)
        rollups.fill(business, zone, [when])
    return {
        "overview": median([_timed(lambda: figures.overview(business, period)) for _ in range(9)]) * 1000,
        "day": median([_timed(lambda when=when: rollups.fill(business, zone, [when])) for when in chosen])
        * 1000,
        "bare": median([_timed(lambda when=when: statement(BARE, when)) for when in chosen]) * 1000,
        "rebuild": rebuild,
        "scan": median([_timed(lambda: statement(SCAN, first)) for _ in range(3)]),
        "days": (date.today() - first).days,
    }


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(_measure()))
