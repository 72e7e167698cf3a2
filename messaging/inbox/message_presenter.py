"""View models of messages, rendered by `fragments`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from markupsafe import Markup

from core.web.templatetags import whatsflow as shell
from messaging import file_errors
from messaging.inbox import markup
from messaging.inbox.read_models import ChatMessage, MediaRow
from messaging.media.filetypes import extension
from messaging.models import EDITED, REVOKED, MediaFile, Message, standing_reactions

QUOTE_LENGTH = 140
ORIGINS: dict[str, str] = {
    Message.Origin.PHONE: "Phone",
    Message.Origin.API: "API",
    Message.Origin.CAMPAIGN: "Campaign",
}
STATUSES = dict(Message.Status.choices)
TYPES = dict(Message.Type.choices)
REASONS = {
    "not_on_whatsapp": "This number is not on WhatsApp.",
    "lookup_failed": "WhatsApp could not say whether this number is on WhatsApp.",
    "too_many_tries": "WhatsApp could not be reached after several tries.",
    "opted_out": "This person has asked not to be written to.",
    "blocked": "This person has blocked the number.",
}
STATUS_NOTES: dict[str, str] = {
    Message.Status.CANCELLED: "Cancelled before it was sent.",
    Message.Status.EXPIRED: "Not sent in time, so it was not sent at all.",
}
MEDIA_LABELS = {
    "image": "Picture",
    "video": "Video",
    "audio": "Audio",
    "voice": "Voice message",
    "sticker": "Sticker",
    "document": "Document",
}


@dataclass(frozen=True, slots=True)
class Quote:
    """The quoted message. id: "" if it is not stored."""

    id: str
    url: str
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Media:
    """A message's file. details: type and size. reason: why it is not available (yet)."""

    kind: str
    state: str
    label: str
    alt: str
    name: str
    details: str
    reason: str
    url: str
    thumbnail_url: str
    has_thumbnail: bool
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class Special:
    """Content that is neither text nor a file."""

    icon: str
    title: str
    lines: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class CampaignLink:
    """The campaign that sent a message, or to which it replies. words: label before the link."""

    words: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction to a message. label: text for screen readers."""

    emoji: str
    label: str


@dataclass(frozen=True, slots=True)
class Bubble:
    """View model of a message. side: "in" or "out"."""

    id: str
    side: str
    at: str
    wa_id: str
    time: Any
    author: str
    broadcast: CampaignLink | None
    quote: Quote | None
    media: Media | None
    special: Special | None
    html: Markup
    deleted: str
    reactions: tuple[Reaction, ...]
    jumbo: bool
    bare: bool
    backfilled: bool
    mark: str
    status: str
    status_label: str
    reason: str
    retry_url: str
    cancel_url: str
    reply_author: str
    reply_text: str


def bubble(message: ChatMessage, quoted: ChatMessage | None, contact_name: str, base: str) -> Bubble:
    """Build the view model of a message. base: inbox URL with trailing slash."""
    media = _media(message.media, base) if message.media else None
    actions = f"{base}messages/{message.id}/"
    out, deleted = message.is_outbound, _deleted(message)
    return Bubble(
        id=str(message.id),
        side="out" if out else "in",
        at=message.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        wa_id=message.whatsapp_message_id or "",
        time=shell.local_time(message.created_at, "time"),
        author=_author(message) if out else "",
        broadcast=_campaign_link(message),
        quote=None if deleted else _quote(message, quoted, contact_name, base),
        media=media,
        special=None if deleted else _special(message),
        html=markup.to_html(message.content)
        if message.content and not _shown_as_special(message)
        else Markup(""),
        deleted=deleted,
        reactions=_reactions(message, contact_name),
        jumbo=not media and markup.is_jumbo(message.content),
        bare=message.message_type == Message.Type.STICKER and not deleted,
        backfilled=message.backfilled,
        mark=_mark(message),
        status=message.status,
        status_label=STATUSES.get(message.status, message.status),
        reason=_reason(message),
        retry_url=f"{actions}retry/",
        cancel_url=f"{actions}cancel/",
        reply_author=_author(message) or "You" if out else contact_name,
        reply_text=summary(message),
    )


def _mark(message: ChatMessage) -> str:
    """Return the label of a changed message, or ""."""
    return "Edited" if _data(message).get(EDITED) else ""


def _deleted(message: ChatMessage) -> str:
    """Return the placeholder of a message deleted for everyone; "" for any other."""
    data = _data(message)
    if not data.get(REVOKED) and data.get("type") != "revoked":
        return ""
    return "You deleted this message" if message.is_outbound else "This message was deleted"


def _reactions(message: ChatMessage, contact_name: str) -> tuple[Reaction, ...]:
    if not message.metadata:
        return ()
    return tuple(
        Reaction(
            reaction["emoji"],
            f"You reacted {reaction['emoji']}"
            if reaction["direction"] == Message.Direction.OUTBOUND
            else f"{contact_name} reacted {reaction['emoji']}",
        )
        for reaction in standing_reactions(message.metadata)
    )


def _data(message: ChatMessage) -> Mapping[str, Any]:
    return message.metadata if isinstance(message.metadata, Mapping) else {}


def summary(message: ChatMessage) -> str:
    """Summarize a message in one line, for quotes."""
    if deleted := _deleted(message):
        return deleted
    text = markup.plain(message.content, QUOTE_LENGTH)
    if text:
        return text
    name = message.media.name if message.media else ""
    return name or str(TYPES.get(message.message_type, message.message_type))


def _author(message: ChatMessage) -> str:
    return message.sender_name or ORIGINS.get(message.origin, "")


def _campaign_link(message: ChatMessage) -> CampaignLink | None:
    """Return the campaign named in the metadata of its messages and of replies to them."""
    data = message.metadata if isinstance(message.metadata, Mapping) else {}
    campaign = data.get("campaign")
    if not isinstance(campaign, Mapping):
        return None
    try:
        url = reverse("campaigns:detail", args=[UUID(_text(campaign, "id"))])
    except ValueError:
        return None
    return CampaignLink(
        "Campaign" if message.is_outbound else "Answer to", _text(campaign, "name") or "a campaign", url
    )


def _quote(message: ChatMessage, quoted: ChatMessage | None, contact_name: str, base: str) -> Quote | None:
    if not message.reply_to_wa_id:
        return None
    if quoted is None:
        return Quote("", "", "", "A message that is not here")
    author = _author(quoted) or "You" if quoted.is_outbound else contact_name
    url = f"{base}{quoted.conversation_id}/?at={quoted.id}#message-{quoted.id}"
    return Quote(str(quoted.id), url, author, summary(quoted))


def _media(file: MediaRow, base: str) -> Media:
    label = MEDIA_LABELS.get(file.kind, "File")
    url = media_url(base, file.id)
    has_thumbnail = bool(file.thumbnail)
    return Media(
        kind=file.kind,
        state=file.state,
        label=label,
        alt=f"{label}: {file.name}" if file.name else label,
        name=file.name or label,
        details=_details(file),
        reason=file_errors.error_text(file.error_code, final=file.state == MediaFile.State.FAILED),
        url=url,
        thumbnail_url=f"{url}thumbnail/" if has_thumbnail else url,
        has_thumbnail=has_thumbnail,
        width=file.width,
        height=file.height,
    )


def _details(file: MediaRow) -> str:
    """Return extension and size ("EXE · 1.2 MB"). Apart from the name, direction marks cannot hide the extension."""
    ending = extension(file.name).upper() if file.name else ""
    size = filesizeformat(file.size) if file.size else ""
    return " · ".join(part for part in (ending[:10], size) if part)


def media_url(base: str, media_id: UUID) -> str:
    """Return the URL of the authorised download."""
    return f"{base}media/{media_id}/"


def _reason(message: ChatMessage) -> str:
    if message.status == Message.Status.FAILED:
        known = REASONS.get(message.error_code)
        return known or message.error_message or "WhatsApp did not take this message."
    if message.status == Message.Status.QUEUED and message.error_code == "limited":
        return "WhatsApp lets this number write to nobody new for now. This goes out when it may."
    if message.status == Message.Status.QUEUED and message.attempts:
        return "It did not go out yet; trying again."
    return STATUS_NOTES.get(message.status, "")


# -- content that is neither text nor a file -------------------------------------------------------


def _shown_as_special(message: ChatMessage) -> bool:
    """Return True if `_special` already shows the content."""
    return message.message_type in (Message.Type.LOCATION, Message.Type.CONTACT_CARD, Message.Type.POLL)


def _special(message: ChatMessage) -> Special | None:
    if message.body_pending:
        return Special("clock", "Waiting for this message. WhatsApp has not told its content yet.")
    data = _data(message)
    match message.message_type:
        case Message.Type.LOCATION:
            return _location(message.content, data)
        case Message.Type.CONTACT_CARD:
            return Special(
                "contact_card", _text(data, "name") or message.content or "Contact", _texts(data, "phones")
            )
        case Message.Type.POLL:
            return Special(
                "poll", _text(data, "question") or message.content or "Poll", _texts(data, "options")
            )
        case Message.Type.UNKNOWN:
            return Special("unknown", "This kind of message is not supported here. Read it on the phone.")
        case _:
            return _missing_file(message)


def _location(content: str, data: Mapping[str, Any]) -> Special:
    title = _text(data, "name") or content or "Location"
    latitude, longitude = data.get("latitude"), data.get("longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return Special("location", title)
    coordinates = f"{latitude:.6f}, {longitude:.6f}"
    url = f"https://www.openstreetmap.org/?mlat={latitude:.6f}&mlon={longitude:.6f}#map=16/{latitude:.6f}/{longitude:.6f}"
    return Special("location", title, (coordinates,), url)


def _missing_file(message: ChatMessage) -> Special | None:
    """Return the placeholder of a media message without a file; None for others."""
    if message.message_type in MEDIA_LABELS and not message.media:
        return Special(message.message_type, f"{MEDIA_LABELS[message.message_type]} is not available here.")
    return None


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key)
    return tuple(str(item) for item in value)[:20] if isinstance(value, list) else ()
