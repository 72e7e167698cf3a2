"""Status transitions of outbound messages: compare-and-set, summary, event.

Everything here runs inside a transaction. `states` says which status may follow which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from connections.models import WhatsAppConnection
from connections.services import numbers
from core.events import publish
from messaging.events import MessageStatusChanged
from messaging.models import Message
from messaging.outbox import states
from messaging.outbox.states import Status
from messaging.services import conversation_summary

QUEUED_AGAIN: dict[str, Any] = {
    "error_code": "",
    "error_message": "",
    "attempts": 0,
    "claim_epoch": 0,
    "not_before": None,
    "expires_at": None,
    "sending_since": None,
}
"""Columns of a message that goes back into the queue because somebody asked for it."""


class Changed(NamedTuple):
    """A message that has come to `status`."""

    message_id: UUID
    conversation_id: UUID
    status: str
    connection_id: UUID
    business_id: UUID


def move(
    rows: QuerySet[Message], status: str, *, error_code: str | None = None, **fields: Any
) -> list[Changed]:
    """Set the status of `rows`, which are restricted to the allowed statuses.

    error_code: None leaves it as it is. Returns the messages that changed. Two statements, and one for summaries.
    """
    columns = ("pk", "conversation_id", "connection_id", "business_profile_id")
    locked = rows.select_for_update(no_key=True).order_by("pk").values_list(*columns)
    changed = [Changed(key, talk, status, number, business) for key, talk, number, business in locked]
    if not changed:
        return []
    if error_code is not None:
        fields["error_code"] = error_code[:64]
    Message.objects.filter(pk__in=[row.message_id for row in changed]).update(status=status, **fields)
    _publish(changed, error_code or "", {})
    return changed


def announce(
    connection: WhatsAppConnection,
    changes: Iterable[tuple[UUID, UUID, str]],
    error_code: str = "",
    passed: Mapping[UUID, tuple[str, ...]] | None = None,
) -> None:
    """Publish statuses that are saved already.

    changes: (message, conversation, status) of one number. passed: statuses between, for messages that rose by more
    than one step.
    """
    changed = [Changed(*change, connection.pk, connection.business_profile_id) for change in changes]
    if changed:
        _publish(changed, error_code[:64], passed or {})


def fail(connection: WhatsAppConnection, message_id: UUID, code: str, message: str = "") -> bool:
    """Mark a message as failed.

    Returns False if its status is no longer `sending` or `unknown`.
    """
    rows = Message.objects.filter(pk=message_id, connection=connection, status__in=states.UNSETTLED)
    return bool(move(rows, Status.FAILED, error_code=code, claim_epoch=0, error_message=message[:500]))


def wake_runners(changed: Iterable[Changed]) -> None:
    """Wake the runners of these messages' numbers after the commit."""
    for connection_id in {row.connection_id for row in changed}:
        numbers.wake_runner_on_commit(connection_id)


def _publish(changed: list[Changed], error_code: str, passed: Mapping[UUID, tuple[str, ...]]) -> None:
    conversation_summary.update_statuses((row.conversation_id, row.message_id, row.status) for row in changed)
    publish(
        *(
            MessageStatusChanged(
                business_id=row.business_id,
                message_id=row.message_id,
                conversation_id=row.conversation_id,
                connection_id=row.connection_id,
                status=row.status,
                error_code=error_code,
                passed=passed.get(row.message_id, ()),
            )
            for row in changed
        )
    )
