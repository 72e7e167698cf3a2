"""The outbox as the session runner uses it: claim, begin, settle, reconcile.

Fenced by the number's lease.

    queued -(claim: claim_epoch)-> queued -(begin: id saved)-> sending -(settle)-> sent | failed | queued again

A claim is only a mark in the row; acquiring the lease frees the claims of the runner before. A message in `sending` may
have left, so it is looked up and never sent again automatically.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import F, Q, QuerySet

from connections import leases
from connections.drivers.base import Ack, AckLevel, Chat, MediaBlob, MessageKind, OutgoingMessage
from connections.events import LeaseTaken
from connections.leases import Lease
from connections.models import WhatsAppConnection
from contacts import selectors as contact_selectors
from core.clock import now
from core.db import bulk
from core.db.compiled_queries import Prepared
from core.db.models import commit_lazily
from messaging.media import media_files
from messaging.models import Message
from messaging.outbox import acks, campaign_gate, new_chat_limit, pacing_settings, states, transitions
from messaging.outbox.states import Status
from messaging.outbox.types import Claimed, Delivered, Held, InFlight, Outcome, Refused, TryAgain

log = structlog.get_logger(__name__)

_READY = """
    m.connection_id = %s AND m.status = 'queued' AND m.claim_epoch = 0 AND m.not_before IS NULL
    AND COALESCE((
        SELECT 1 FROM messages AS e
        WHERE e.status = 'sending' AND e.connection_id = m.connection_id AND e.conversation_id = m.conversation_id
          AND e.id <> m.id
        LIMIT 1
    ), 0) <> 1
    AND COALESCE((
        SELECT 1 FROM messages AS e
        WHERE e.status = 'queued' AND e.not_before IS NOT NULL AND e.conversation_id = m.conversation_id
          AND (e.priority, e.id) < (m.priority, m.id) AND e.not_before < '9999-01-01'
        LIMIT 1
    ), 0) <> 1
"""
"""Condition of a message that may be claimed: queued, due, and first in its conversation.

Not before a send without a result, nor before an earlier message that has to wait. Each part has a partial index
(messages_ready, _begun, _holding), so neither claimed nor postponed rows are scanned. Messages of a paused campaign
(broadcasts.HELD) delay nobody. Written as values that are not 1, which PostgreSQL takes for conditions that most rows
meet: it then walks the outbox in order and looks up each candidate's conversation by index. NOT EXISTS would make it
join the whole table.
"""

ANY = 1000
"""Higher than every priority."""
DUE_BATCH = 5000
"""Rows whose time has come that one claim processes; bounds the first claim after a long pause."""
_LID = """(
        SELECT value FROM contact_identities AS i
        WHERE i.contact_id = contacts.id AND i.kind = 'lid' ORDER BY i.id DESC LIMIT 1
    )"""
_CLAIM = f"""
WITH ready AS (
    SELECT m.id FROM messages AS m WHERE {_READY} AND m.priority < %s
    ORDER BY m.priority, m.id LIMIT %s FOR UPDATE OF m SKIP LOCKED
), taken AS (
    UPDATE messages AS m SET claim_epoch = %s FROM ready WHERE m.id = ready.id
    RETURNING m.id, m.priority, m.conversation_id, m.contact_id, m.whatsapp_message_id, m.origin
)
SELECT taken.id, taken.conversation_id, taken.contact_id, taken.whatsapp_message_id, contacts.phone_number,
    {_LID}, taken.priority, taken.origin, contacts.opted_out_at IS NOT NULL, contacts.blocked_at IS NOT NULL
FROM taken JOIN contacts ON contacts.id = taken.contact_id
ORDER BY taken.priority, taken.id
"""  # noqa: S608 - put together from the constant above

_SELECT = f"""
SELECT m.id, m.conversation_id, m.contact_id, m.whatsapp_message_id, contacts.phone_number,
    {_LID}, m.priority, m.origin, contacts.opted_out_at IS NOT NULL, contacts.blocked_at IS NOT NULL
FROM messages AS m JOIN contacts ON contacts.id = m.contact_id
"""  # noqa: S608 - put together from the constant above
_CLAIM_SQLITE = f"""{_SELECT}
WHERE {_READY} AND m.priority < %s
ORDER BY m.priority, m.id LIMIT %s
"""


_FIRST = f"SELECT m.priority FROM messages AS m WHERE {_READY} ORDER BY m.priority, m.id LIMIT 1"  # noqa: S608


def claim(lease: Lease, limit: int) -> list[Claimed]:
    """Claim the next messages.

    People before campaigns, in order within a conversation. The commit does not wait for the disk: losing a claim in a
    crash of the database is harmless, and `begin`, which precedes every send, waits for both.
    """
    with transaction.atomic():
        commit_lazily()
        connection = leases.guard(lease)
        if connection.held_since:
            return []
        _process_due(connection, now())
        rules = pacing_settings.settings_of(connection)
        taken = _take(connection, lease, limit, Message.Priority.CAMPAIGN if rules.enabled else ANY)
        if (
            rules.enabled
            and len(taken) < limit
            and (key := campaign_gate.claim_next(connection, rules, _READY, lease))
        ):
            taken += _as_taken(bulk.fetch(f"{_SELECT} WHERE m.id = %s", [key]))
        taken = campaign_gate.permitted(connection, rules, taken)
    return [
        Claimed(
            row.id,
            row.conversation_id,
            Chat(phone=row.phone, lid=row.lid),
            row.wa_id,
            broadcast=row.priority >= Message.Priority.CAMPAIGN,
        )
        for row in taken
    ]


def _take(connection: WhatsAppConnection, lease: Lease, limit: int, below: int) -> list[campaign_gate.Taken]:
    """Claim the next messages with a priority below `below`."""
    if database.vendor == "postgresql":
        return _as_taken(bulk.fetch(_CLAIM, [connection.pk, int(below), limit, lease.epoch]))
    taken = _as_taken(bulk.fetch(_CLAIM_SQLITE, [connection.pk, int(below), limit]))
    rows = Message.objects.filter(pk__in=[one.id for one in taken], status=Status.QUEUED)
    rows.update(claim_epoch=lease.epoch)
    return taken


def _as_taken(rows: list[tuple[Any, ...]]) -> list[campaign_gate.Taken]:
    return [
        campaign_gate.Taken(
            bulk.as_uuid(key), bulk.as_uuid(conversation), bulk.as_uuid(contact), wa_id or "", *rest
        )
        for key, conversation, contact, wa_id, *rest in rows
    ]


def _process_due(connection: WhatsAppConnection, moment: datetime) -> None:
    """Release messages whose not_before has passed; expire overdue ones.

    One query, usually without a result, on the few rows that have such a time.
    """
    due = _DUE.rows(connection.pk, moment)
    if not due:
        return
    queued, late = _queued(connection.pk), Q(expires_at__lte=moment)
    expired = [key for key, _, expires in due if expires and expires <= moment]
    queued.filter(pk__in=[key for key, *_ in due]).exclude(late).update(not_before=None)
    if not expired:
        return
    transitions.move(queued.filter(late, pk__in=expired), Status.EXPIRED, claim_epoch=0)


def _queued(connection_id: UUID) -> QuerySet[Message]:
    return Message.objects.filter(connection_id=connection_id, status=Status.QUEUED)


def _due(connection_id: UUID, moment: datetime) -> QuerySet[Message, Any]:
    """Return (id, conversation_id, expires_at) of queued messages that are due.

    That is: their not_before or expires_at has passed.
    """
    rows = _queued(connection_id).filter(Q(expires_at__lte=moment) | Q(not_before__lte=moment)).order_by()
    return rows.values_list("pk", "conversation_id", "expires_at")[:DUE_BATCH]


_DUE = Prepared[Any](_due)


def begin(lease: Lease, claimed: Sequence[Claimed]) -> list[tuple[Claimed, OutgoingMessage]]:
    """Commit WhatsApp ids and the status `sending`; return the messages to send.

    The ids are those of `claimed`. Files are read before the transaction, so that no row is locked for as long as a
    disk or S3 takes. Left out are messages that were cancelled or have expired, that are not first in their
    conversation, or whose file is unreadable.
    """
    rows = Message.objects.select_related("media").filter(
        pk__in=[one.message_id for one in claimed],
        connection_id=lease.connection_id,
        status=Status.QUEUED,
        claim_epoch=lease.epoch,
    )
    messages = {message.pk: message for message in rows}
    if not messages:
        leases.check(lease)
        return []
    blobs = _load(lease, messages.values())
    ready = [
        one for one in claimed if one.message_id in messages and _readable(messages[one.message_id], blobs)
    ]
    with transaction.atomic():
        connection = leases.guard(lease)
        ready = [one for one in ready if not _postponed(connection, messages[one.message_id])]
        first = campaign_gate.not_overtaken(connection, [messages[one.message_id] for one in ready])
        free = [one for one in ready if one.message_id in first]
        begun = {} if connection.held_since else _mark_sending(free, lease)
        if refused := [one.message_id for one in free if one.message_id not in begun]:
            _unclaim(lease, refused)
        transitions.announce(connection, [(*row, Status.SENDING) for row in begun.items()])
    return [(one, _outgoing(one, messages[one.message_id], blobs)) for one in free if one.message_id in begun]


def _outgoing(claimed: Claimed, message: Message, blobs: dict[UUID, MediaBlob]) -> OutgoingMessage:
    return OutgoingMessage(
        wa_id=message.whatsapp_message_id or claimed.wa_id,
        chat=claimed.chat,
        kind=MessageKind(message.message_type),
        body=message.content,
        media=blobs[message.media_id] if message.media_id else None,
        quoted_wa_id=message.reply_to_wa_id,
    )


def _postponed(connection: WhatsAppConnection, message: Message) -> bool:
    """Postpone the message if WhatsApp's limit on new chats applies.

    Returns whether it does.
    """
    if not new_chat_limit.applies_to(connection, message):
        return False
    new_chat_limit.postpone(connection, message)
    return True


_BEGIN = """
UPDATE messages AS m SET status = 'sending', whatsapp_message_id = COALESCE(m.whatsapp_message_id, v.wa_id),
    sending_since = v.at, attempts = m.attempts + 1, not_before = NULL, error_code = '', error_message = ''
FROM v WHERE m.id = v.key AND m.status = 'queued' AND m.claim_epoch = v.epoch
    AND (m.expires_at IS NULL OR m.expires_at > v.at)
    AND COALESCE((
        SELECT 1 FROM messages AS e
        WHERE e.conversation_id = m.conversation_id AND e.status IN ('queued', 'sending') AND e.id <> m.id
          AND (e.status = 'sending' OR (e.priority, e.id) < (m.priority, m.id))
          AND (e.not_before IS NULL OR e.not_before < '9999-01-01')
        LIMIT 1
    ), 0) <> 1
RETURNING id, conversation_id
"""
"""Written like _READY, for the same reason. Of one conversation only the first message passes."""


def _mark_sending(claimed: Sequence[Claimed], lease: Lease) -> dict[UUID, UUID]:
    """Return conversation ids by message id for the messages that are `sending` now."""
    moment = now()
    rows = sorted((one.message_id, one.wa_id, lease.epoch, moment) for one in claimed)
    begun = bulk.update_each(
        {"key": "uuid", "wa_id": "text", "epoch": "bigint", "at": "timestamptz"}, rows, _BEGIN
    )
    return {bulk.as_uuid(key): bulk.as_uuid(conversation) for key, conversation in begun}


def _load(lease: Lease, messages: Iterable[Message]) -> dict[UUID, MediaBlob]:
    """Read each file once, by media id.

    Messages whose file is unreadable are requeued or failed.
    """
    blobs: dict[UUID, MediaBlob] = {}
    for message in messages:
        if message.media is None or message.media_id in blobs:
            continue
        try:
            blobs[message.media.pk] = media_files.load(message.media)
        except FileNotFoundError:
            _settle_claim(lease, message, Refused("media_missing", "The file of this message is gone."))
        except Exception:
            log.exception("media_unreadable", message_id=str(message.pk))
            _settle_claim(lease, message, TryAgain("media_unreadable"))
    return blobs


def _readable(message: Message, blobs: dict[UUID, MediaBlob]) -> bool:
    return message.media_id is None or message.media_id in blobs


def _settle_claim(lease: Lease, message: Message, outcome: Outcome) -> None:
    """Settle a claimed message that cannot be begun; it counts as an attempt."""
    with transaction.atomic():
        connection = leases.guard(lease)
        rows = Message.objects.filter(pk=message.pk, status=Status.QUEUED, claim_epoch=lease.epoch)
        if not rows.update(status=Status.SENDING, attempts=F("attempts") + 1):
            return
        _settle_unsent(connection, message.pk, outcome)


def settle(lease: Lease, outcomes: Sequence[tuple[UUID, Outcome]]) -> None:
    """Persist send results. Never lowers a status set by an earlier receipt."""
    with transaction.atomic():
        connection, proofs = leases.guard(lease), []
        for message_id, outcome in outcomes:
            match outcome:
                case Delivered(at, level):
                    # without a receipt it is only queued on the phone: it stays `sending`, and is looked up
                    if status := states.status_of_ack(level):
                        proofs.append(acks.StatusProof(message_id, status, acks.Times.of([(status, at)])))
                case _:
                    _settle_unsent(connection, message_id, outcome)
        if proofs:
            acks.raise_statuses(connection, proofs)


def _settle_unsent(connection: WhatsAppConnection, message_id: UUID, outcome: Outcome) -> None:
    match outcome:
        case TryAgain():
            _requeue(connection, message_id, outcome)
        case Held(until):
            new_chat_limit.record_refusal(connection, message_id, until)
        case Refused(code, text):
            transitions.fail(connection, message_id, code, text)


def _requeue(connection: WhatsAppConnection, message_id: UUID, outcome: TryAgain) -> None:
    """Requeue a message that has not left, with a growing backoff.

    It fails after the last attempt.
    """
    rows = Message.objects.filter(pk=message_id, connection=connection, status=Status.SENDING)
    row = rows.values_list("attempts", "conversation_id").first()
    if row is None:
        return
    attempts, conversation_id = row
    code = outcome.code
    wait = states.wait_before_next_try(attempts, outcome.retry_after)
    if wait is None:
        transitions.fail(connection, message_id, code, f"It did not get through in {attempts} tries.")
        return
    fields: dict[str, Any] = {"whatsapp_message_id": None} if outcome.used_id else {}
    rows.update(
        status=Status.QUEUED,
        claim_epoch=0,
        sending_since=None,
        not_before=now() + timedelta(seconds=wait),
        error_code=code[:64],
        **fields,
    )
    transitions.announce(connection, [(message_id, conversation_id, Status.QUEUED)], code[:64])


def release(lease: Lease, claimed: Sequence[Claimed]) -> None:
    """Free claims that were not begun."""
    with transaction.atomic():
        leases.guard(lease)
        _unclaim(lease, [one.message_id for one in claimed])


def _unclaim(lease: Lease, message_ids: Sequence[UUID]) -> None:
    rows = Message.objects.filter(pk__in=message_ids, status=Status.QUEUED, claim_epoch=lease.epoch)
    rows.update(claim_epoch=0)


def free_dead_claims(batch: Sequence[LeaseTaken]) -> None:
    """Free the claims of the runner before.

    Subscriber of LeaseTaken, inside its transaction.
    """
    for event in batch:
        rows = Message.objects.filter(
            connection_id=event.connection_id, status=Status.QUEUED, claim_epoch__gt=0
        )
        rows.update(claim_epoch=0)


def in_flight(lease: Lease) -> list[InFlight]:
    """Return the messages that were begun and have no result, oldest first."""
    connection = leases.check(lease)
    begun = Message.objects.filter(connection=connection, status=Status.SENDING)
    rows = begun.exclude(whatsapp_message_id=None).select_related("contact")
    messages = list(rows.order_by("id"))
    lids = contact_selectors.lids_of({message.contact_id for message in messages}) if messages else {}
    return [
        InFlight(
            message.pk,
            Chat(phone=message.contact.phone_number, lid=lids.get(message.contact_id)),
            message.whatsapp_message_id or "",
            message.sending_since or message.created_at,
        )
        for message in messages
    ]


def reconcile(lease: Lease, message: InFlight, ack: Ack | None) -> None:
    """Settle an in-flight message by its receipt.

    Without one it becomes `unknown` after UNKNOWN_AFTER_SECONDS.
    """
    with transaction.atomic():
        connection = leases.guard(lease)
        if ack is not None and ack.level != AckLevel.PENDING:
            acks.apply(connection, [ack], {ack.wa_id: message.message_id})
            return
        if (now() - message.since).total_seconds() < settings.UNKNOWN_AFTER_SECONDS:
            return
        rows = Message.objects.filter(pk=message.message_id, connection=connection, status=Status.SENDING)
        transitions.move(rows, Status.UNKNOWN, error_code="not_confirmed", claim_epoch=0)


def seconds_until_due(lease: Lease) -> float | None:
    """Return the time until the next message may be claimed.

    None: nothing is queued, or the number is on hold.
    """
    connection = leases.check(lease)
    if connection.held_since:
        return None
    moment, rules, waits = now(), pacing_settings.settings_of(connection), []
    for (priority,) in bulk.fetch(_FIRST, [lease.connection_id]):
        if not rules.enabled or priority < Message.Priority.CAMPAIGN:
            return 0.0
        waits.append(campaign_gate.seconds_until_open(connection, rules, moment))
    waiting = Message.objects.filter(
        connection_id=lease.connection_id, status=Status.QUEUED, not_before__isnull=False
    )
    due = waiting.order_by("not_before").values_list("not_before", flat=True).first()
    if due:
        waits.append(max((due - moment).total_seconds(), 0.0))
    return min(waits, default=None)
