"""What writers change afterwards: a message edited, or taken back for everyone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from connections.drivers.base import Edited, Revoked
from connections.models import WhatsAppConnection
from messaging.events import MessageUpdated
from messaging.models import Message
from messaging.services import previews
from whatsflow.core.events import publish

EDITED = "edited_at"
REVOKED = "revoked_at"
"""Keys in a message's metadata: when, by WhatsApp's clock."""


def apply(connection: WhatsAppConnection, changes: Sequence[Edited | Revoked]) -> None:
    """Write them to the messages that we have; told twice, they change nothing. Must be called in a transaction.

    What was taken back stays readable for the team, marked as such: an inbox is also a record of what was agreed.
    """
    for together in _rounds(changes):
        _apply(connection, together)


def _rounds(changes: Iterable[Edited | Revoked]) -> list[list[Edited | Revoked]]:
    """Changes of one message after each other, so that each is told as it was: usually one round."""
    rounds: list[list[Edited | Revoked]] = []
    seen: Counter[str] = Counter()
    for change in changes:
        if seen[change.wa_id] == len(rounds):
            rounds.append([])
        rounds[seen[change.wa_id]].append(change)
        seen[change.wa_id] += 1
    return rounds


def _apply(connection: WhatsAppConnection, changes: Sequence[Edited | Revoked]) -> None:
    ids = {change.wa_id for change in changes}
    rows = {
        row.whatsapp_message_id: row
        for row in Message.objects.filter(connection=connection, whatsapp_message_id__in=ids)
    }
    moved = {row.pk: row for change in changes if (row := rows.get(change.wa_id)) and _change(row, change)}
    if not moved:
        return
    Message.objects.bulk_update(moved.values(), ["content", "metadata", "body_pending"])
    previews.rewrite(moved.values())
    publish(
        *(
            MessageUpdated(
                business_id=row.business_profile_id, message_id=row.pk, conversation_id=row.conversation_id
            )
            for row in moved.values()
        )
    )


def _change(row: Message, change: Edited | Revoked) -> bool:
    """Whether the row has changed."""
    key = EDITED if isinstance(change, Edited) else REVOKED
    metadata = row.metadata if isinstance(row.metadata, dict) else {}
    told = str(metadata.get(key, ""))
    if told and (key == REVOKED or told >= change.at.isoformat()):
        return False
    if told and isinstance(change, Edited) and row.content == change.body:
        return False  # told again; a time that was none is another one with each telling
    row.metadata = {**metadata, key: change.at.isoformat()}
    if isinstance(change, Edited):
        row.content, row.body_pending = change.body, False
    return True
