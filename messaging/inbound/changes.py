"""Changes of messages: edits, deletions for everyone, and reactions.

Each change is merged by WhatsApp's time, so that order and repetition make no difference. Changes that come before
their message are parked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from connections.drivers.base import Chat, Edited, InboundMessage, Revoked
from connections.models import WhatsAppConnection
from contacts.services import identities
from contacts.services.identities import Person
from core.events import publish
from core.text import first_emoji
from messaging.events import MessageUpdated
from messaging.media import media_files
from messaging.models import EDITED, REACTIONS, REVOKED, Message, ParkedChange
from messaging.services import conversation_summary

log = structlog.get_logger(__name__)

Kind = ParkedChange.Kind
MAX_PARKED = 5000
"""Parked changes of one number; beyond that the oldest are deleted."""
_KEPT_OF_DELETED = ("campaign",)
"""Keys of our own that remain in the metadata of a deleted message."""


@dataclass(frozen=True)
class Change:
    """A change of the message `wa_id`. at: WhatsApp's time.

    from_me, chat: side and chat of the author; a sender may name a message of somebody else. body: text after an edit,
    or emoji of a reaction ("": withdrawn). source_id: the reaction's own WhatsApp id.
    """

    wa_id: str
    kind: str
    at: datetime
    body: str = ""
    source_id: str = ""
    from_me: bool = False
    chat: Chat | None = None

    @classmethod
    def of(cls, event: Edited | Revoked | InboundMessage) -> Change:
        """Build from a driver event; a reaction comes as a message of its own."""
        match event:
            case Edited():
                return cls(event.wa_id, Kind.EDITED, event.at, event.body, "", event.from_me, event.chat)
            case Revoked():
                return cls(event.wa_id, Kind.REVOKED, event.at, "", "", event.from_me, event.chat)
        kind = Kind.WE_REACTED if event.from_me else Kind.REACTED
        emoji = first_emoji((event.body or "").strip())
        return cls(event.quoted_wa_id, kind, event.at, emoji, event.wa_id, event.from_me, event.chat)

    @property
    def is_reaction(self) -> bool:
        return self.kind in (Kind.REACTED, Kind.WE_REACTED)

    @property
    def precedence(self) -> tuple[str, bool, str, str]:
        """Sort key: of two changes of one kind the higher wins.

        That is the later change, or the withdrawal if both have the same time.
        """
        return _text_of(self.at), self.is_reaction and not self.body, self.source_id, self.body


def apply(connection: WhatsAppConnection, changes: Sequence[Change]) -> None:
    """Merge changes into stored messages and park the others. Needs a transaction."""
    for batch in _rounds(changes):
        _apply(connection, batch)


def _rounds(changes: Iterable[Change]) -> list[list[Change]]:
    """Split changes into rounds with at most one change per message.

    Usually one round.
    """
    rounds: list[list[Change]] = []
    seen: Counter[str] = Counter()
    for change in changes:
        if seen[change.wa_id] == len(rounds):
            rounds.append([])
        rounds[seen[change.wa_id]].append(change)
        seen[change.wa_id] += 1
    return rounds


def _apply(connection: WhatsAppConnection, changes: Sequence[Change]) -> None:
    ids = {change.wa_id for change in changes}
    stored = Message.objects.filter(connection=connection, whatsapp_message_id__in=ids)
    rows = {str(row.whatsapp_message_id): row for row in stored}
    changes = _permitted(connection, changes, rows)
    _park(connection, [change for change in changes if not _can_merge(rows.get(change.wa_id), change)])
    merged, visible = [], []
    for change in changes:
        row = rows.get(change.wa_id)
        before = _visible_part(row) if row else None
        if row and _merge(row, change):
            merged.append(row)
            if _visible_part(row) != before:
                visible.append(row)
    if merged:
        _write(merged)
    if visible:
        _announce(visible)
    reacted = {rows[one.wa_id].conversation_id for one in changes if one.is_reaction and one.wa_id in rows}
    conversation_summary.refresh(reacted, {row.conversation_id for row in visible})


def _permitted(
    connection: WhatsAppConnection, changes: Sequence[Change], rows: Mapping[str, Message]
) -> list[Change]:
    """Leave out changes by others than the author, and from another chat."""
    chats = {change.chat for change in changes if change.chat and change.wa_id in rows}
    people = {chat: Person(phone=chat.phone, lid=chat.lid) for chat in chats}
    contacts = identities.find(connection.business_profile_id, people.values()) if people else {}
    permitted = []
    for change in changes:
        row = rows.get(change.wa_id)
        contact_id = contacts.get(people[change.chat]) if row and change.chat else None
        if row is None or (_is_by_author(row, change) and contact_id in (None, row.contact_id)):
            permitted.append(change)
        else:
            log.warning("change_refused", connection_id=str(connection.pk), message_id=str(row.pk))
    return permitted


def _is_by_author(row: Message, change: Change) -> bool:
    """Return whether the change is permitted: only the author edits and deletes, both sides react."""
    return change.is_reaction or row.is_outbound == change.from_me


def _visible_part(row: Message) -> object:
    """Return what people see of a message.

    A change that only moves a time is stored without an event.
    """
    reactions = [(one["direction"], one["emoji"]) for one in row.reactions]
    return row.content, row.edited_at is None, row.revoked_at is None, reactions


def _can_merge(row: Message | None, change: Change) -> bool:
    """Return whether `change` can be merged now.

    A message without content can be deleted, but not edited.
    """
    return row is not None and (not row.body_pending or change.kind == Kind.REVOKED)


def _write(rows: Sequence[Message]) -> None:
    deleted = Message.objects.filter(pk__in=[row.pk for row in rows if row.revoked_at]).exclude(media=None)
    files = list(deleted.values_list("media_id", flat=True))
    Message.objects.bulk_update(rows, ["content", "metadata", "body_pending", "media", "media_url"])
    for media_id in files:
        transaction.on_commit(partial(media_files.delete_if_unused, media_id), robust=True)


def _announce(rows: Sequence[Message]) -> None:
    conversation_summary.update_previews(rows)
    publish(
        *(
            MessageUpdated(
                business_id=row.business_profile_id, message_id=row.pk, conversation_id=row.conversation_id
            )
            for row in rows
        )
    )


def _merge(row: Message, change: Change) -> bool:
    """Merge `change` into the row.

    Returns whether the row must be saved. A deletion is final.
    """
    data: dict[str, Any] = row.metadata if isinstance(row.metadata, dict) else {}
    if data.get(REVOKED) or not _can_merge(row, change):
        return False
    at = _text_of(change.at)
    if change.kind == Kind.REVOKED:
        row.content, row.body_pending, row.media, row.media_url = "", False, None, ""
        row.metadata = {key: data[key] for key in _KEPT_OF_DELETED if key in data} | {REVOKED: at}
        return True
    if change.kind == Kind.EDITED:
        if EDITED in data and (str(data[EDITED]), row.content) >= (at, change.body):
            return False
        row.content, row.metadata = change.body, data | {EDITED: at}
        return True
    reactions = data.get(REACTIONS) or {}
    earlier = reactions.get(change.kind)
    if (
        earlier
        and (earlier["at"], not earlier["emoji"], earlier["id"], earlier["emoji"]) >= change.precedence
    ):
        return False
    mine = {"emoji": change.body, "at": at, "id": change.source_id}
    row.metadata = data | {REACTIONS: reactions | {change.kind: mine}}
    return True


def _text_of(at: datetime) -> str:
    """Format a time for metadata: fixed width, so that texts sort like times."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


# -- parked changes ------------------------------------------------------------------------------------


def settle(connection: WhatsAppConnection, rows: Iterable[Message]) -> set[UUID]:
    """Merge parked changes into rows before they are saved.

    Returns the ids of conversations with reactions.
    """
    here = {str(row.whatsapp_message_id): row for row in rows}
    parked = list(ParkedChange.objects.filter(connection=connection, whatsapp_message_id__in=here))
    changes = {
        row.pk: Change(row.whatsapp_message_id, row.kind, row.at, row.body, row.source_id, row.from_me)
        for row in parked
    }
    changes = {key: one for key, one in changes.items() if _can_merge(here[one.wa_id], one)}
    for change in changes.values():
        if _is_by_author(here[change.wa_id], change):
            _merge(here[change.wa_id], change)
    if changes:
        ParkedChange.objects.filter(pk__in=changes).delete()
    return {here[one.wa_id].conversation_id for one in changes.values() if one.is_reaction}


def _park(connection: WhatsAppConnection, changes: Iterable[Change]) -> None:
    """Store changes whose message has not come yet.

    Of each kind and side the one that counts.
    """
    latest = {(one.wa_id, one.kind, one.from_me): one for one in changes}
    if not latest:
        return
    known = ParkedChange.objects.filter(
        connection=connection, whatsapp_message_id__in={wa_id for wa_id, *_ in latest}
    )
    for row in known:
        key = row.whatsapp_message_id, row.kind, row.from_me
        parked = Change(row.whatsapp_message_id, row.kind, row.at, row.body, row.source_id)
        if key in latest and parked.precedence >= latest[key].precedence:
            del latest[key]
    ParkedChange.objects.bulk_create(
        [
            ParkedChange(
                connection=connection,
                whatsapp_message_id=change.wa_id,
                kind=change.kind,
                from_me=change.from_me,
                body=change.body,
                source_id=change.source_id,
                at=change.at,
            )
            for change in latest.values()
        ],
        update_conflicts=True,
        unique_fields=["connection", "whatsapp_message_id", "kind", "from_me"],
        update_fields=["body", "source_id", "at"],
    )
    newest = ParkedChange.objects.filter(connection=connection).order_by("-created_at", "-id")
    surplus = list(newest.values_list("pk", flat=True)[MAX_PARKED : MAX_PARKED + 500])
    if surplus:
        ParkedChange.objects.filter(pk__in=surplus).delete()
