"""The limit for pages: the least that anybody could write for the same page, on the same server (granian, WSGI).

It looks up session, user and membership, asks the database for all that the page shows, puts the cells into HTML by
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

_local = threading.local()
BUSINESS = os.environ.get("BENCH_BUSINESS", "")
OWNER = os.environ.get("BENCH_OWNER", "")
CONVERSATION = os.environ.get("BENCH_CONVERSATION", "")
BYTES = {
    "/inbox": int(os.environ.get("BENCH_INBOX_BYTES", "0")),
    "/conversation": int(os.environ.get("BENCH_CONVERSATION_BYTES", "0")),
}
"""How large the measured pages are."""

SESSION = "SELECT session_data FROM django_session WHERE session_key = %(session)s AND expire_date > now()"
USER = "SELECT email, password_hash, full_name, is_active, time_zone, theme FROM users WHERE id = %(owner)s"
ACCESS = """
    SELECT m.role, b.id, b.business_name FROM memberships m JOIN business_profiles b ON b.id = m.business_profile_id
    WHERE m.user_id = %(owner)s ORDER BY m.created_at LIMIT 1
"""
FRAME = (
    """
    SELECT b.id, b.business_name FROM memberships m JOIN business_profiles b ON b.id = m.business_profile_id
    WHERE m.user_id = %(owner)s AND b.deleted_at IS NULL ORDER BY b.business_name
    """,
    "SELECT id FROM whatsapp_connections WHERE business_profile_id = %(business)s",
    "SELECT 1 FROM conversations WHERE business_profile_id = %(business)s AND unread_count > 0 LIMIT 100",
)
LIST = """
    SELECT c.id, c.contact_id, k.name, k.push_name, k.phone_number, c.connection_id, n.name, n.phone_number, c.state,
        c.assigned_to_id, u.full_name, u.email, c.last_message_at, c.last_message_id, c.preview, c.preview_type,
        c.preview_direction, c.preview_status, c.unread_count
    FROM conversations c JOIN contacts k ON k.id = c.contact_id JOIN whatsapp_connections n ON n.id = c.connection_id
    LEFT JOIN users u ON u.id = c.assigned_to_id
    WHERE c.business_profile_id = %(business)s AND c.state = 'open'
    ORDER BY c.last_message_at DESC, c.id DESC LIMIT 51
"""
HEAD = """
    SELECT c.id, c.state, c.assigned_to_id, c.unread_count, k.id, k.name, k.push_name, k.phone_number,
        k.first_message_at, k.last_message_at, k.total_messages, n.id, n.name, n.phone_number, n.status
    FROM conversations c JOIN contacts k ON k.id = c.contact_id JOIN whatsapp_connections n ON n.id = c.connection_id
    WHERE c.business_profile_id = %(business)s AND c.id = %(conversation)s
"""
CHAT = """
    SELECT m.id, m.whatsapp_message_id, m.direction, m.message_type, m.content, m.status, m.metadata, m.created_at,
        m.origin, m.reply_to_wa_id, m.backfilled, m.body_pending, m.attempts, m.error_code, m.error_message,
        f.id, f.state, f.kind, f.name, f.size, f.width, f.height, f.thumbnail, u.email, u.full_name
    FROM messages m LEFT JOIN media_files f ON f.id = m.media_id LEFT JOIN users u ON u.id = m.sender_id
    WHERE m.business_profile_id = %(business)s AND m.conversation_id = %(conversation)s
    ORDER BY m.created_at DESC, m.id DESC LIMIT 51
"""
AROUND = (
    """
    SELECT u.id, u.full_name, u.email, m.role FROM memberships m JOIN users u ON u.id = m.user_id
    WHERE m.business_profile_id = %(business)s ORDER BY m.created_at
    """,
    "SELECT text FROM drafts WHERE conversation_id = %(conversation)s AND user_id = %(owner)s",
    """
    SELECT c.id, c.connection_id, c.last_message_at FROM conversations c
    WHERE c.business_profile_id = %(business)s AND c.contact_id = (
        SELECT contact_id FROM conversations WHERE id = %(conversation)s)
    """,
)
PAGES = {"/inbox": (*FRAME, LIST), "/conversation": (*FRAME, LIST, HEAD, CHAT, *AROUND)}


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
    parts = [_rows(connection.execute(sql, ids).fetchall()) for sql in (SESSION, USER, ACCESS, *PAGES[path])]
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
