"""Rows, bubbles and ticks as HTML: the same fragments in pages and in live frames.

A live frame is rendered once for everybody of the business, so nothing here depends on who looks: times are written
again by the browser in the reader's zone, and what a role may not do is hidden by the page and refused by the view.

Jinja, because it draws fifty rows in a fifth of the time of Django's templates (0.6 ms against 2.9). Everything is
escaped unless this module made it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from markupsafe import Markup, escape

from accounts.models import User
from core.db.search_text import phrases, places
from core.web import jinja
from core.web.templatetags import whatsflow as shell
from messaging.inbox import markup, message_presenter
from messaging.inbox.message_presenter import Bubble
from messaging.inbox.read_models import InboxRow, MessagesPage, Said, ShownTag
from messaging.models import Message

TICKS = {
    "queued": "clock",
    "sending": "clock",
    "sent": "check",
    "delivered": "checks",
    "read": "checks",
    "played": "checks",
    "failed": "alert",
    "unknown": "question",
    "cancelled": "ban",
    "expired": "ban",
}
PREVIEWS = {
    "image": "Photo",
    "video": "Video",
    "document": "Document",
    "audio": "Audio",
    "voice": "Voice message",
    "sticker": "Sticker",
    "location": "Location",
    "contact_card": "Contact",
    "poll": "Poll",
    "reaction": "Reaction",
    "unknown": "Unsupported message",
}
PREVIEW_LENGTH = 120
ACTIONABLE = ("failed", "unknown", "queued")
"""States in which a bubble offers a form, to try again or to cancel."""
KEPT = 2048
"""Rows, and bubbles, whose HTML a process keeps: about a kilobyte each."""
_LABELS = dict(Message.Status.choices)


@cache
def _macros() -> Any:
    """The compiled macros; they know no request."""
    return jinja.macros(
        "messaging/fragments/macros.jinja", sprite=static("img/inbox.svg"), tick_symbol=TICKS.get
    )


@cache
def _base() -> str:
    return reverse("messaging:inbox")


def moment(at: datetime) -> str:
    """A time as rows and bubbles carry it: always the same width, so that texts sort like times."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


# -- the list --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """What the macro draws of one conversation."""

    id: str
    key: str
    url: str
    at: str
    avatar: Any
    name: str
    time: Any
    preview: Any
    tick: str
    tick_label: str
    icon: str
    unread: int
    state: str
    assigned_id: str
    assigned_name: str
    assigned_initials: str
    connection_name: str
    last_message_id: str
    hit: str
    tags: tuple[ShownTag, ...]
    tag_ids: str


def row(item: InboxRow, search: str = "") -> Markup:
    """One conversation of the list; with a search, the words that were found are marked."""
    time = shell.local_time(item.hit_at or item.last_message_at, "relative")
    return _drawn_row(item, search, time)


def rows(items: list[InboxRow], search: str = "") -> Markup:
    """The list's rows, one after the other."""
    return Markup("").join([row(item, search) for item in items])


@lru_cache(maxsize=KEPT)
def _drawn_row(item: InboxRow, search: str, time: Any) -> Markup:
    """Kept by everything that it shows: the same rows go to everybody of the team, again and again."""
    return _macros().row(_row(item, search, time))


def _row(item: InboxRow, search: str, time: Any) -> _Row:
    hit = item.hit_message_id
    ours = item.preview_direction == Message.Direction.OUTBOUND and not hit
    address = f"{_base()}{item.id}/"
    preview = markup.plain(item.preview, PREVIEW_LENGTH) or PREVIEWS.get(item.preview_type, "No messages yet")
    text = item.hit_text if hit else preview
    reaction = item.preview_type == Message.Type.REACTION
    return _Row(
        id=str(item.id),
        key=f"hit-{hit}" if hit else f"row-{item.id}",
        url=f"{address}?at={hit}#message-{hit}" if hit else address,
        at=moment(item.last_message_at),
        avatar=shell.avatar(item),
        name=item.name,
        time=time,
        preview=marked(text, search) if hit else text,
        tick=item.preview_status if ours and item.preview_status in TICKS and not reaction else "",
        tick_label=_LABELS.get(item.preview_status, ""),
        icon="" if hit or reaction or item.preview_type not in PREVIEWS else item.preview_type,
        unread=0 if hit else item.unread_count,
        state=item.state,
        assigned_id=str(item.assigned_to_id or ""),
        assigned_name=item.assigned_to_name,
        assigned_initials=shell.initials(item.assigned_to_name) if item.assigned_to_id else "",
        connection_name=item.connection_label,
        last_message_id=str(item.last_message_id or ""),
        hit=str(hit or ""),
        tags=item.tags,
        tag_ids=" ".join(str(tag.id) for tag in item.tags),
    )


def marked(text: str, search: str) -> Markup:
    """`text` with every word of `search` in <mark>."""
    pieces, end = [], 0
    for start, stop in places(text, phrases(search)):
        pieces += [escape(text[end:start]), Markup("<mark>{}</mark>").format(text[start:stop])]
        end = stop
    return Markup("").join([*pieces, escape(text[end:])])


# -- the chat --------------------------------------------------------------------------------------


def assignees(team: Iterable[User], me: User, assigned_id: UUID | None) -> Markup:
    """Buttons that give the conversation to somebody: to oneself first, then to the others of the team."""
    people = [(me.pk, "Me", str(shell.avatar(me, "xs")))]
    people += [(one.pk, str(one), str(shell.avatar(one, "xs"))) for one in team if one.pk != me.pk]
    return _drawn_assignees(tuple(one for one in people if one[0] != assigned_id))


@lru_cache(maxsize=KEPT // 8)
def _drawn_assignees(people: tuple[tuple[UUID, str, str], ...]) -> Markup:
    """Kept, like rows: every conversation shows the same team."""
    drawn: Markup = _macros().assignees(people)
    return drawn


def message(item: Said, quoted: Said | None, contact_name: str, csrf: Any = "") -> Markup:
    """One bubble. csrf: the token's hidden field, for pages that must work without JavaScript."""
    if (csrf and item.status in ACTIONABLE) or item.metadata or (quoted and quoted.metadata):
        return _draw(item, quoted, contact_name, csrf if item.status in ACTIONABLE else "")
    return _drawn(item, quoted, contact_name, timezone.get_current_timezone_name())


@lru_cache(maxsize=KEPT)
def _drawn(item: Said, quoted: Said | None, contact_name: str, zone: str) -> Markup:
    """Kept by everything that it shows, like rows; times are those of the reader's zone."""
    return _draw(item, quoted, contact_name, "")


def _draw(item: Said, quoted: Said | None, contact_name: str, csrf: Any) -> Markup:
    drawn: Markup = _macros().message(message_presenter.bubble(item, quoted, contact_name, _base()), csrf)
    return drawn


def messages(page: MessagesPage, contact_name: str, first_unread: UUID | None, csrf: Any = "") -> Markup:
    """The page's bubbles, oldest first, with a line above each day and one above the first unread message."""
    zone, shown_day = timezone.get_current_timezone(), None
    pieces: list[Markup] = []
    for item in page.messages:
        day = item.created_at.astimezone(zone).date()
        if day != shown_day:
            shown_day = day
            pieces.append(_macros().day(shell.local_time(item.created_at, "day")))
        if item.id == first_unread:
            pieces.append(_macros().new_messages())
        pieces.append(message(item, page.quoted.get(item.reply_to_wa_id), contact_name, csrf))
    return Markup("").join(pieces)


def ticks(item: Said) -> Markup:
    """How far an outbound message has come, as a picture with a label."""
    return _macros().ticks(item.status, _LABELS.get(item.status, item.status))


def note(item: Said) -> Markup:
    """Why it has not come further and what can be done: below the text of an outbound bubble."""
    bubble: Bubble = message_presenter.bubble(item, None, "", _base())
    return _macros().note(bubble, "")
