"""What the limits for pages ask the database: the session, then what the page shows; as many questions as we ask."""

from __future__ import annotations

import re

SESSION = "SELECT session_data FROM django_session WHERE session_key = %(session)s AND expire_date > now()"
ACCESS = """
    SELECT m.role, b.id, b.business_name, b.deleted_at, u.email, u.password_hash, u.full_name, u.is_active, u.time_zone,
        u.theme
    FROM memberships m JOIN business_profiles b ON b.id = m.business_profile_id JOIN users u ON u.id = m.user_id
    WHERE m.user_id = %(owner)s ORDER BY m.created_at, m.id
"""
FRAME = """
    SELECT id, (
        SELECT count(*) FROM (
            SELECT 1 FROM conversations WHERE business_profile_id = %(business)s AND unread_count > 0 LIMIT 100
        ) AS unread
    ) AS unread
    FROM whatsapp_connections WHERE business_profile_id = %(business)s
"""
LIST = """
    SELECT c.id, c.contact_id, k.name, k.push_name, k.phone_number, c.connection_id, n.name AS number_name,
        n.phone_number AS number_phone, c.state, c.assigned_to_id, u.full_name, u.email, c.last_message_at,
        c.last_message_id, c.preview, c.preview_type, c.preview_direction, c.preview_status, c.unread_count
    FROM conversations c JOIN contacts k ON k.id = c.contact_id JOIN whatsapp_connections n ON n.id = c.connection_id
    LEFT JOIN users u ON u.id = c.assigned_to_id
    WHERE c.business_profile_id = %(business)s AND c.state = 'open'
    ORDER BY c.last_message_at DESC, c.id DESC LIMIT 51
"""
TAGS = """
    WITH page AS MATERIALIZED (
        SELECT contact_id FROM conversations WHERE business_profile_id = %(business)s AND state = 'open'
        ORDER BY last_message_at DESC, id DESC LIMIT 50
    ), carried AS MATERIALIZED (
        SELECT tag_id, contact_id FROM contact_tags WHERE contact_id IN (SELECT contact_id FROM page)
    )
    SELECT t.id, t.name, t.color, carried.contact_id FROM tags t LEFT JOIN carried ON carried.tag_id = t.id
    WHERE t.business_profile_id = %(business)s ORDER BY t.name, t.id
"""
HEAD = """
    SELECT c.id, c.state, c.assigned_to_id, c.unread_count, c.contact_id, k.name, k.push_name, k.phone_number,
        k.first_message_at, k.last_message_at, k.total_messages, n.id AS number, n.name AS number_name,
        n.phone_number AS number_phone, n.status,
        (SELECT text FROM drafts d WHERE d.conversation_id = c.id AND d.user_id = %(owner)s) AS draft
    FROM conversations c JOIN contacts k ON k.id = c.contact_id JOIN whatsapp_connections n ON n.id = c.connection_id
    WHERE c.business_profile_id = %(business)s AND c.id = %(conversation)s
"""
CHAT = """
    SELECT m.id, m.whatsapp_message_id, m.direction, m.message_type, m.content, m.status, m.metadata, m.created_at,
        m.origin, m.reply_to_wa_id, m.backfilled, m.body_pending, m.attempts, m.error_code, m.error_message,
        f.id AS media, f.state AS media_state, f.kind, f.name, f.size, f.width, f.height, f.thumbnail,
        f.error_code AS media_error_code, u.email, u.full_name
    FROM messages m LEFT JOIN media_files f ON f.id = m.media_id LEFT JOIN users u ON u.id = m.sender_id
    WHERE m.business_profile_id = %(business)s AND m.conversation_id = %(conversation)s
    ORDER BY m.created_at DESC, m.id DESC LIMIT 31
"""
TEAM = """
    SELECT u.id, u.full_name, u.email, m.role FROM memberships m JOIN users u ON u.id = m.user_id
    WHERE m.business_profile_id = %(business)s ORDER BY m.created_at
"""
OTHERS = """
    SELECT c.id, c.connection_id, c.last_message_at FROM conversations c
    WHERE c.business_profile_id = %(business)s AND c.contact_id = (
        SELECT contact_id FROM conversations WHERE id = %(conversation)s)
"""
SIGNED_IN = {"session": SESSION, "access": ACCESS}
INBOX = {"frame": FRAME, "list": LIST, "tags": TAGS}
CONVERSATION = {**INBOX, "head": HEAD, "chat": CHAT, "team": TEAM, "others": OTHERS}


def numbered(sql: str) -> dict[str, object]:
    """The same for drivers that number parameters: {"text": "... $1 ...", "names": ["owner"]}."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
    text = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", sql)
    return {"text": text, "names": names}
