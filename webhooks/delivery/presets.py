"""Payload formats: Standard Webhooks and n8n (the event itself) and Slack-compatible chats (one line of text)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from core.phone import phone
from core.text import clip
from webhooks.models import Webhook

SLACK_LENGTH = 3000
"""Characters of a chat message; Slack truncates longer ones, other chats reject them."""


def body(preset: str, payload: str) -> bytes:
    """Return the request body, which is also what gets signed."""
    if preset == Webhook.Preset.SLACK:
        return orjson.dumps({"text": chat_text(orjson.loads(payload))})
    return payload.encode()


def chat_text(event: dict[str, Any]) -> str:
    """Format an event as a chat message in the markup that Slack, Mattermost and Rocket.Chat share."""
    data = event.get("data") or {}
    group, _, verb = str(event.get("type", "")).partition(".")
    text = _LINES.get(group, _plain)(data, verb)
    return clip(text, SLACK_LENGTH)


def _message(data: dict[str, Any], verb: str) -> str:
    contact = data.get("contact") or {}
    who = _escape(contact.get("name") or "") or "Somebody"
    number = _escape(phone.display(contact.get("phoneNumber")) or "")
    person = f"*{who}*" + (f" ({number})" if number and number != who else "")
    words = _escape(data.get("content") or "") or f"[{_escape(data.get('messageType') or 'message')}]"
    quoted = "\n".join(f"> {line}" for line in words.split("\n"))
    if verb == "received":
        return f"Message from {person}\n{quoted}"
    reason = f" ({_escape(data['errorMessage'])})" if data.get("errorMessage") else ""
    return f"Message to {person}: {_escape(verb)}{reason}\n{quoted}"


def _contact(data: dict[str, Any], verb: str) -> str:
    name = _escape(data.get("name") or data.get("pushName") or "") or "Somebody"
    number = _escape(phone.display(data.get("phoneNumber")) or "")
    return f"Contact {_escape(verb).replace('_', ' ')}: *{name}*" + (f" ({number})" if number else "")


def _connection(data: dict[str, Any], verb: str) -> str:
    name = _escape(data.get("name") or phone.display(data.get("phoneNumber")) or "") or "New number"
    reason = f" ({_escape(data['statusReason']).replace('_', ' ')})" if data.get("statusReason") else ""
    return f"Number *{name}* is now {_escape(data.get('status') or '').replace('_', ' ')}{reason}"


def _campaign(data: dict[str, Any], verb: str) -> str:
    return f"Campaign *{_escape(data.get('name') or 'without a name')}*: {_escape(verb)}"


def _plain(data: dict[str, Any], verb: str) -> str:
    return _escape(str(data.get("message") or verb))


_LINES: dict[str, Callable[[dict[str, Any], str], str]] = {
    "message": _message,
    "contact": _contact,
    "connection": _connection,
    "campaign": _campaign,
}


def _escape(text: str) -> str:
    """Escape user text, so that it cannot become a link or a mention of the whole channel."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
