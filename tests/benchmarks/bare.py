"""The limit for pages: the least that anybody could write for the same page, on the same server (granian, WSGI).

It looks up session, user and memberships, asks the database for all that the page shows, puts the cells into HTML by
string formatting, and fills up with a constant frame to the page's own size. No framework, no templates, no time zones,
no marks or links in texts.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from html import escape
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.benchmarks import queries

_local = threading.local()
BUSINESS = os.environ.get("BENCH_BUSINESS", "")
OWNER = os.environ.get("BENCH_OWNER", "")
CONVERSATION = os.environ.get("BENCH_CONVERSATION", "")
BYTES = {
    "/inbox": int(os.environ.get("BENCH_INBOX_BYTES", "0")),
    "/conversation": int(os.environ.get("BENCH_CONVERSATION_BYTES", "0")),
}
"""How large the measured pages are."""

PAGES = {"/inbox": queries.INBOX, "/conversation": queries.CONVERSATION}


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_local, "connection"):
        url = urlsplit(os.environ["DATABASE_URL"])._replace(scheme="postgresql").geturl()
        _local.connection = psycopg.connect(url, autocommit=True)
    return _local.connection


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """WSGI: /inbox, /conversation, /livez."""
    path = environ["PATH_INFO"]
    body = b"ok" if path == "/livez" else _page(path, environ.get("HTTP_COOKIE", ""))
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
    return [body]


def _page(path: str, cookie: str) -> bytes:
    ids = {"session": cookie, "owner": OWNER, "business": BUSINESS, "conversation": CONVERSATION}
    connection = _connection()
    asked = (*queries.SIGNED_IN.values(), *PAGES[path].values())
    parts = [_rows(connection.execute(sql, ids).fetchall()) for sql in asked]
    shown = "".join(parts)
    frame = "<!doctype html>" + "<i></i>" * ((BYTES[path] - len(shown)) // 7)
    return (frame + shown).encode()


def _rows(rows: list[tuple[Any, ...]]) -> str:
    return "".join(
        [
            '<li class="row">' + "".join([f"<span>{escape(str(cell))}</span>" for cell in row]) + "</li>"
            for row in rows
        ]
    )
