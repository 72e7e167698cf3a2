"""What writers do to a message afterwards: edits, deletions for everyone, and reactions.

Each change is merged by WhatsApp's time, so that the order in which changes come, and how often, makes no difference.
Those that come before their message wait for it.
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
MOST_PARKED = 5000
"""Changes that wait at one number; of more the oldest are dropped."""
_KEPT_OF_DELETED = ("campaign",)
"""What remains of the metadata of a deleted message: ours, nothing that the writer sent."""


@dataclass(frozen=True)
class Change:
    """What was done to the message `wa_id`, and when by WhatsApp's clock.

    from_me, chat: who did it, and where; a sender may name a message of somebody else. body: the text after an edit, or
    the emoji of a reaction, "" when it was taken back. source_id: the reaction's own WhatsApp id.
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
        """The change that a driver tells; a reaction comes as a message of its own."""
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
    def weight(self) -> tuple[str, bool, str, str]:
        """Of two changes of a kind the heavier one counts: the later, and of two reactions at once the taking back."""
        return _text_of(self.at), self.is_reaction and not self.body, self.source_id, self.body


def apply(connection: WhatsAppConnection, changes: Sequence[Change]) -> None:
    """Merge changes into the messages that are here and park the others. Must be called in a transaction."""
    for together in _rounds(changes):
        _apply(connection, together)


def _rounds(changes: Iterable[Change]) -> list[list[Change]]:
    """Changes of one message after each other, so that each is told as it was: usually one round."""
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
    found = Message.objects.filter(connection=connection, whatsapp_message_id__in=ids)
    rows = {str(row.whatsapp_message_id): row for row in found}
    changes = _permitted(connection, changes, rows)
    _park(connection, [change for change in changes if not _is_here(rows.get(change.wa_id), change)])
    merged, visible = [], []
    for change in changes:
        row = rows.get(change.wa_id)
        before = _shown_of(row) if row else None
        if row and _merge(row, change):
            merged.append(row)
            if _shown_of(row) != before:
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
    """Leave out edits and deletions of messages that somebody else wrote, and whatever comes from another chat."""
    chats = {change.chat for change in changes if change.chat and change.wa_id in rows}
    people = {chat: Person(phone=chat.phone, lid=chat.lid) for chat in chats}
    contacts = identities.find(connection.business_profile_id, people.values()) if people else {}
    permitted = []
    for change in changes:
        row = rows.get(change.wa_id)
        contact_id = contacts.get(people[change.chat]) if row and change.chat else None
        if row is None or (_is_writers(row, change) and contact_id in (None, row.contact_id)):
            permitted.append(change)
        else:
            log.warning("change_refused", connection_id=str(connection.pk), message_id=str(row.pk))
    return permitted


def _is_writers(row: Message, change: Change) -> bool:
    """Whether the message's own side made the change. Anybody may react."""
    return change.is_reaction or row.is_outbound == change.from_me


def _shown_of(row: Message) -> object:
    """What people see of later changes. A change that only moves a time is stored, not told again."""
    reactions = [(one["direction"], one["emoji"]) for one in row.reactions]
    return row.content, row.edited_at is None, row.revoked_at is None, reactions


def _is_here(row: Message | None, change: Change) -> bool:
    """Whether `change` can be merged now. A message known by its id only can be deleted, not edited."""
    return row is not None and (not row.body_pending or change.kind == Kind.REVOKED)


def _write(rows: Sequence[Message]) -> None:
    deleted = Message.objects.filter(pk__in=[row.pk for row in rows if row.revoked_at]).exclude(media=None)
    files = list(deleted.values_list("media_id", flat=True))
    Message.objects.bulk_update(rows, ["content", "metadata", "body_pending", "media", "media_url"])
    for media_id in files:
        transaction.on_commit(partial(media_files.delete_if_unused, media_id), robust=True)


def _announce(rows: Sequence[Message]) -> None:
    conversation_summary.rewrite(rows)
    publish(
        *(
            MessageUpdated(
                business_id=row.business_profile_id, message_id=row.pk, conversation_id=row.conversation_id
            )
            for row in rows
        )
    )


def _merge(row: Message, change: Change) -> bool:
    """Bring the row to where it stands with `change`. Returns whether it must be written. A deletion is final."""
    data: dict[str, Any] = row.metadata if isinstance(row.metadata, dict) else {}
    if data.get(REVOKED) or not _is_here(row, change):
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
    if earlier and (earlier["at"], not earlier["emoji"], earlier["id"], earlier["emoji"]) >= change.weight:
        return False
    mine = {"emoji": change.body, "at": at, "id": change.source_id}
    row.metadata = data | {REACTIONS: reactions | {change.kind: mine}}
    return True


def _text_of(at: datetime) -> str:
    """A time as metadata carries it: always the same width, so that texts sort like times."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


# -- changes that come before their message ----------------------------------------------------------


def settle(connection: WhatsAppConnection, rows: Iterable[Message]) -> set[UUID]:
    """Merge what is parked into rows that are about to be written. Returns the conversations where somebody reacted."""
    here = {str(row.whatsapp_message_id): row for row in rows}
    parked = list(ParkedChange.objects.filter(connection=connection, whatsapp_message_id__in=here))
    changes = {
        one.pk: Change(one.whatsapp_message_id, one.kind, one.at, one.body, one.source_id, one.from_me)
        for one in parked
    }
    changes = {key: one for key, one in changes.items() if _is_here(here[one.wa_id], one)}
    for change in changes.values():
        if _is_writers(here[change.wa_id], change):
            _merge(here[change.wa_id], change)
    if changes:
        ParkedChange.objects.filter(pk__in=changes).delete()
    return {here[one.wa_id].conversation_id for one in changes.values() if one.is_reaction}


def _park(connection: WhatsAppConnection, changes: Iterable[Change]) -> None:
    """Keep changes of messages that are still to come: of each kind and side the one that will count."""
    wanted = {(one.wa_id, one.kind, one.from_me): one for one in changes}
    if not wanted:
        return
    known = ParkedChange.objects.filter(
        connection=connection, whatsapp_message_id__in={wa_id for wa_id, *_ in wanted}
    )
    for row in known:
        key = row.whatsapp_message_id, row.kind, row.from_me
        parked = Change(row.whatsapp_message_id, row.kind, row.at, row.body, row.source_id)
        if key in wanted and parked.weight >= wanted[key].weight:
            del wanted[key]
    ParkedChange.objects.bulk_create(
        [
            ParkedChange(
                connection=connection,
                whatsapp_message_id=one.wa_id,
                kind=one.kind,
                from_me=one.from_me,
                body=one.body,
                source_id=one.source_id,
                at=one.at,
            )
            for one in wanted.values()
        ],
        update_conflicts=True,
        unique_fields=["connection", "whatsapp_message_id", "kind", "from_me"],
        update_fields=["body", "source_id", "at"],
    )
    newest = ParkedChange.objects.filter(connection=connection).order_by("-created_at", "-id")
    surplus = list(newest.values_list("pk", flat=True)[MOST_PARKED : MOST_PARKED + 500])
    if surplus:
        ParkedChange.objects.filter(pk__in=surplus).delete()
