"""Figures over two years: the overview at the server, the roll-up of a day beside one statement, and a rebuild.

`python -m tests.benchmarks.figures` measures inside a process of the project and answers JSON; `results` starts it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.benchmarks.report import Result, median
from tests.benchmarks.site import ROOT, Place

DAYS = 730
TURNS = 3
BARE = """
WITH day AS (
    SELECT id, conversation_id, contact_id, connection_id, sender_id, direction, message_type, created_at,
        status IN ('sent', 'delivered', 'read') AS sent, status IN ('delivered', 'read') AS delivered,
        status = 'read' AS read, status = 'failed' AS failed, origin <> 'campaign' AS personal
    FROM messages WHERE business_profile_id = %(business)s AND created_at >= %(begins)s AND created_at < %(ends)s
), turns AS (
    SELECT day.*, SUM((direction = 'outbound')::int) OVER (PARTITION BY conversation_id ORDER BY created_at, id)
        - (direction = 'outbound')::int AS turn FROM day
), waits AS (
    SELECT direction, sender_id, sent, personal, EXTRACT(EPOCH FROM created_at - MIN(created_at)
        FILTER (WHERE direction = 'inbound') OVER (PARTITION BY conversation_id, turn))::int AS wait FROM turns
), hours AS (
    SELECT hour, COUNT(day.id) FILTER (WHERE direction = 'inbound') AS received,
        COUNT(day.id) FILTER (WHERE direction = 'outbound' AND sent) AS sent
    FROM generate_series(0, 23) AS hour
    LEFT JOIN day ON EXTRACT(hour FROM created_at AT TIME ZONE %(zone)s) = hour GROUP BY 1
), sets AS (
    SELECT STRING_AGG(DISTINCT uuid_send(contact_id), '') FILTER (WHERE direction = 'inbound') AS active,
        STRING_AGG(DISTINCT uuid_send(contact_id), '') FILTER (WHERE direction = 'outbound' AND sent) AS reached,
        STRING_AGG(DISTINCT uuid_send(conversation_id), '') FILTER (WHERE personal) AS talks FROM day
), old_kinds AS (
    DELETE FROM daily_message_stats WHERE business_profile_id = %(business)s AND date = %(date)s
), old_work AS (
    DELETE FROM daily_agent_stats WHERE business_profile_id = %(business)s AND date = %(date)s
), kinds AS (
    INSERT INTO daily_message_stats (business_profile_id, date, connection_id, direction, message_type, messages, sent,
        delivered, read, failed)
    SELECT %(business)s, %(date)s, connection_id, direction, message_type, COUNT(*), COUNT(*) FILTER (WHERE sent),
        COUNT(*) FILTER (WHERE delivered), COUNT(*) FILTER (WHERE read), COUNT(*) FILTER (WHERE failed)
    FROM day GROUP BY 3, 4, 5
), work AS (
    INSERT INTO daily_agent_stats (business_profile_id, date, user_id, sent, closed, answer_seconds, resolution_seconds)
    SELECT %(business)s, %(date)s, sender_id, COUNT(*) FILTER (WHERE sent), 0,
        COALESCE(STRING_AGG(int4send(wait), '' ORDER BY wait) FILTER (WHERE wait IS NOT NULL), ''), ''
    FROM waits WHERE direction = 'outbound' AND personal GROUP BY 3
)
INSERT INTO daily_stats (id, created_at, updated_at, business_profile_id, date, messages_sent, messages_received,
    new_contacts, active_contacts, conversations, opt_outs, received_by_hour, sent_by_hour, active_set, reached_set,
    conversation_set, state, counted_at)
SELECT gen_random_uuid(), now(), now(), %(business)s, %(date)s, SUM(sent), SUM(received),
    (SELECT COUNT(*) FROM contacts
        WHERE business_profile_id = %(business)s AND created_at >= %(begins)s AND created_at < %(ends)s),
    (SELECT length(active) / 16 FROM sets), (SELECT length(talks) / 16 FROM sets),
    (SELECT COUNT(*) FROM contact_consents WHERE business_profile_id = %(business)s AND kind = 'opt_out'
        AND created_at >= %(begins)s AND created_at < %(ends)s),
    jsonb_agg(received ORDER BY hour), jsonb_agg(sent ORDER BY hour),
    (SELECT COALESCE(active, '') FROM sets), (SELECT COALESCE(reached, '') FROM sets),
    (SELECT COALESCE(talks, '') FROM sets), 'done', now()
FROM hours
ON CONFLICT (business_profile_id, date) DO UPDATE SET messages_sent = excluded.messages_sent,
    messages_received = excluded.messages_received, new_contacts = excluded.new_contacts,
    active_contacts = excluded.active_contacts, conversations = excluded.conversations, opt_outs = excluded.opt_outs,
    received_by_hour = excluded.received_by_hour, sent_by_hour = excluded.sent_by_hour,
    active_set = excluded.active_set, reached_set = excluded.reached_set,
    conversation_set = excluded.conversation_set, state = excluded.state, counted_at = excluded.counted_at
"""
"""What somebody would write to count a day into the same rows: waits within the day only, closings left out, people as
ids of sixteen bytes instead of numbers and bitmaps, and nothing that withstands being killed, run twice or overtaken by
a change."""
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

    from analytics import reports
    from analytics.aggregates import local_days, rollup
    from analytics.reports.periods import Period
    from whatsflow.demo import build

    business = build.find()
    assert business is not None, "manage.py demo comes first"
    zone = ZoneInfo(business.time_zone)
    first = rollup.first_date(business)
    assert first is not None
    rollup.catch_up(business)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE daily_stats, daily_message_stats, daily_agent_stats")
    rebuild = _timed(lambda: rollup.rebuild(business, first, date.today()))
    chosen = [date.today() - timedelta(days=number) for number in range(30, 60, 2)]
    period = Period(date.today() - timedelta(days=89), date.today(), zone)

    def statement(sql: str, when: date) -> None:
        begins, ends = local_days.utc_bounds(zone, when, when)
        given: dict[str, Any] = {
            "business": business.pk,
            "date": when,
            "begins": begins,
            "ends": ends,
            "zone": zone.key,
        }
        with connection.cursor() as cursor:
            cursor.execute(sql, given)

    days, bare = [], []
    for when in chosen:  # ours last: the rows of the other are not right
        turns = [
            (
                _timed(partial(statement, BARE, when)),
                _timed(partial(rollup.count_days, business, zone, [when])),
            )
            for _ in range(TURNS)
        ]
        bare.append(min(by_hand for by_hand, _ in turns))
        days.append(min(ours for _, ours in turns))
    return {
        "overview": median([_timed(lambda: reports.overview(business, period)) for _ in range(9)]) * 1000,
        "day": median(days) * 1000,
        "bare": median(bare) * 1000,
        "rebuild": rebuild,
        "scan": median([_timed(lambda: statement(SCAN, first)) for _ in range(3)]),
        "days": (date.today() - first).days,
    }


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(_measure()))
