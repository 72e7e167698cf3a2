"""Lists of the API: the first and the thousandth page as the server answers them, beside bare SQL for the same rows.

`python -m tests.benchmarks.api ROUNDS` measures inside a process of the project and answers JSON; `results` starts it.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.report import Result, median, percentile
from tests.benchmarks.site import ROOT, Place

SIZE = 50
DEPTH = 1000
"""The page that is measured beside the first one, or the last full one where there are fewer."""
KEY = """
    SELECT k.*, b.*, o.*, u.* FROM api_keys k JOIN business_profiles b ON b.id = k.business_profile_id
    JOIN users o ON o.id = b.user_id LEFT JOIN users u ON u.id = k.created_by_id WHERE k.prefix = %(prefix)s
"""
"""Who calls; every request asks for it first."""
MESSAGES = """
    SELECT m.id, m.connection_id, m.conversation_id, m.contact_id, m.whatsapp_message_id, m.direction, m.message_type,
        m.content, m.media_url, m.status, m.origin, m.reply_to_wa_id, m.is_from_bot, m.backfilled, m.metadata,
        m.created_at, m.sent_at, m.delivered_at, m.read_at, m.error_code, m.error_message, k.name, k.push_name,
        k.phone_number, f.id, f.kind, f.mime, f.name, f.size, f.state
    FROM messages m JOIN contacts k ON k.id = m.contact_id LEFT JOIN media_files f ON f.id = m.media_id
    WHERE m.business_profile_id = %(business)s {after} ORDER BY m.created_at DESC, m.id DESC LIMIT 51
"""
CONVERSATIONS = """
    SELECT c.id, c.connection_id, c.contact_id, c.state, c.unread_count, c.last_message_at, c.last_message_id,
        c.preview, c.created_at, k.name, k.push_name, k.phone_number, u.id, u.full_name, u.email
    FROM conversations c JOIN contacts k ON k.id = c.contact_id LEFT JOIN users u ON u.id = c.assigned_to_id
    WHERE c.business_profile_id = %(business)s {after} ORDER BY c.last_message_at DESC, c.id DESC LIMIT 51
"""
CONTACTS = """
    SELECT c.id, c.name, c.push_name, c.phone_number, c.email, c.country, c.profile_pic_url, c.is_business, c.metadata,
        c.opted_out_at, c.blocked_at, c.first_message_at, c.last_message_at, c.total_messages, c.created_at,
        c.updated_at
    FROM contacts c WHERE c.business_profile_id = %(business)s {after} ORDER BY c.id DESC LIMIT 51
"""
TAGS = """
    SELECT x.contact_id, t.id, t.name, t.color FROM contact_tags x JOIN tags t ON t.id = x.tag_id
    WHERE x.contact_id = ANY(%(ids)s) ORDER BY t.name, t.id
"""


@dataclass(frozen=True)
class Listing:
    """One list. order: its columns, falling. after: how bare SQL begins behind a row. tags: those of the rows, too."""

    name: str
    model: Any
    order: tuple[str, ...]
    sql: str
    after: str
    tags: bool = False


def results(place: Place, rounds: int) -> list[Result]:
    """The measurements of this file in `place`."""
    command = [sys.executable, "-m", "tests.benchmarks.api", str(rounds)]
    out = subprocess.run(
        command, cwd=ROOT, env=place.environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return [
        Result(
            f"API: {one['list']}, page {one['page']:,}",
            one["p95"],
            "ms p95",
            one["bare"],
            "bare SQL",
            "< 60, <= 4",
            one["p95"] < 60 and one["p95"] <= 4 * one["bare"],
            f"median {one['median']:.1f} ms, of bare SQL {one['bare_median']:.1f} ms; {one['bytes'] / 1024:.0f} KB",
        )
        for one in json.loads(out.stdout.splitlines()[-1])
    ]


def _measure(rounds: int) -> list[dict[str, Any]]:
    from django.conf import settings
    from django.db import connection

    from accounts.services import keys
    from contacts.models import Contact
    from messaging.models import Conversation, Message
    from whatsflow.demo import build
    from whatsflow.wsgi import application

    settings.API_REQUESTS_PER_KEY = 10**9  # type: ignore[misc]
    business = build.find()
    assert business is not None, "manage.py demo comes first"
    scopes = ["messages:read", "conversations:read", "contacts:read"]
    row, key = keys.create(business, business.user, name="Benchmark", scopes=scopes)
    listings = (
        Listing("messages", Message, ("created_at", "id"), MESSAGES, "AND (m.created_at, m.id) < (%(at)s, %(id)s)"),
        Listing(
            "conversations",
            Conversation,
            ("last_message_at", "id"),
            CONVERSATIONS,
            "AND (c.last_message_at, c.id) < (%(at)s, %(id)s)",
        ),
        Listing("contacts", Contact, ("id",), CONTACTS, "AND c.id < %(id)s", tags=True),
    )  # fmt: skip
    asked = _Asked(application, key, rounds)
    given = {"business": business.pk, "prefix": row.prefix}
    try:
        return [
            asked.page(one, number, connection, given) for one in listings for number in _pages(one, business)
        ]
    finally:
        row.delete()


def _pages(listing: Listing, business: Any) -> list[int]:
    count = listing.model.objects.filter(business_profile=business).count()
    return [1, min(DEPTH, count // SIZE)]


@dataclass(frozen=True)
class _Asked:
    """Asks the application as its server does, with an API key."""

    application: Callable[..., Any]
    key: str
    rounds: int

    def page(self, listing: Listing, number: int, connection: Any, given: dict[str, Any]) -> dict[str, Any]:
        """The times of one page, and of bare SQL for it, in turns; milliseconds."""
        query, place = self._place(listing, number, given["business"])
        sql = listing.sql.format(after=listing.after if place else "")
        ours, bare, size = [], [], 0
        for turn in range(self.rounds + 10):
            begin = time.perf_counter()
            size = self._get(f"/api/v1/{listing.name}", query)
            between = time.perf_counter()
            _bare(connection, listing, sql, {**given, **place})
            end = time.perf_counter()
            if turn >= 10:
                ours.append((between - begin) * 1000)
                bare.append((end - between) * 1000)
        return {
            "list": listing.name,
            "page": number,
            "p95": percentile(ours, 0.95),
            "median": median(ours),
            "bare": percentile(bare, 0.95),
            "bare_median": median(bare),
            "bytes": size,
        }

    def _place(self, listing: Listing, number: int, business: Any) -> tuple[str, dict[str, Any]]:
        """(query of the request, values for the SQL): behind the last row of the page before."""
        from core.api.framework import Cursor

        if number <= 1:
            return f"limit={SIZE}", {}
        rows = listing.model.objects.filter(business_profile=business)
        rows = rows.order_by(*(f"-{column}" for column in listing.order)).values_list(*listing.order)
        last = rows[(number - 1) * SIZE - 1]
        cursor = Cursor(tuple(str(value) for value in last), False).encode()
        return f"limit={SIZE}&cursor={cursor}", {"at": last[0], "id": last[-1]}

    def _get(self, path: str, query: str) -> int:
        """Bytes of the answer."""
        said: list[str] = []
        answer = self.application(
            {
                "REQUEST_METHOD": "GET",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "REMOTE_ADDR": "127.0.0.1",
                "HTTP_HOST": "localhost",
                "HTTP_X_API_KEY": self.key,
                "wsgi.input": io.BytesIO(),
                "wsgi.url_scheme": "http",
            },
            lambda status, _headers, _error=None: said.append(status),
        )
        body = b"".join(answer)
        answer.close()
        if said != ["200 OK"]:
            raise RuntimeError(f"{path} was answered with {said}: {body[:200]!r}")
        return len(body)


def _bare(connection: Any, listing: Listing, sql: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(KEY, values)
        cursor.fetchall()
        cursor.execute(sql, values)
        rows = cursor.fetchall()
        if listing.tags:
            cursor.execute(TAGS, {"ids": [row[0] for row in rows]})
            cursor.fetchall()


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(_measure(int(sys.argv[1]))))
