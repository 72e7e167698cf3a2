"""The limit for pages: the least that anybody could write for the same page, on the same server (granian, WSGI).

It looks up the session and the membership, reads the page's rows and joins them into HTML. No framework, no templates,
no escaping beyond what Python brings, no shell around the page.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from html import escape
from typing import Any
from urllib.parse import urlsplit

import psycopg

_local = threading.local()
BUSINESS = os.environ.get("BENCH_BUSINESS", "")
OWNER = os.environ.get("BENCH_OWNER", "")
CONVERSATION = os.environ.get("BENCH_CONVERSATION", "")
SESSION = """
    SELECT m.role FROM django_session s, memberships m
    WHERE s.session_key = %s AND m.user_id = %s AND m.business_profile_id = %s
"""
INBOX = """
    SELECT c.id, k.name, k.push_name, k.phone_number, c.preview, c.preview_status, c.last_message_at, c.unread_count
    FROM conversations c JOIN contacts k ON k.id = c.contact_id
    WHERE c.business_profile_id = %s AND c.state = 'open' ORDER BY c.last_message_at DESC, c.id DESC LIMIT 51
"""
CHAT = """
    SELECT m.id, m.direction, m.message_type, m.content, m.media_url, m.status, m.created_at, m.error_message
    FROM messages m WHERE m.conversation_id = %s ORDER BY m.created_at DESC, m.id DESC LIMIT 51
"""


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_local, "connection"):
        url = urlsplit(os.environ["DATABASE_URL"])._replace(scheme="postgresql").geturl()
        _local.connection = psycopg.connect(url, autocommit=True)
    return _local.connection


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """WSGI: /inbox, /conversation, /livez."""
    path = environ["PATH_INFO"]
    if path == "/livez":
        body = b"ok"
    else:
        query, key = (INBOX, BUSINESS) if path == "/inbox" else (CHAT, CONVERSATION)
        connection = _connection()
        connection.execute(SESSION, [environ.get("HTTP_COOKIE", ""), OWNER, BUSINESS]).fetchone()
        rows = connection.execute(query, [key]).fetchall()
        body = ("<!doctype html><ul>" + "".join(_row(row) for row in rows) + "</ul>").encode()
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
    return [body]


def _row(row: tuple[Any, ...]) -> str:
    return "<li>" + "".join(f"<span>{escape(str(cell))}</span>" for cell in row) + "</li>"
