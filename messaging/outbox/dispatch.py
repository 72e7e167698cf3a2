"""The runner's side of the outbox: claim, begin, settle, recover. Every write is fenced by the number's lease.

    queued -(claim: claim_epoch)-> queued -(begin: id saved)-> sending -(settle)-> sent | failed | queued again

A claim is only a mark in the row; taking the lease frees those of the runner before. What is `sending` may have
left, so it is looked up, never sent anew by itself.
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
"""Waiting, due, and nothing of its conversation goes first: no send without a result, no earlier one that must wait.

Every part is an index of its own that holds such rows only (messages_ready, _begun, _holding): neither what was claimed
nor what waits for its time is walked past. What a paused campaign holds (broadcasts.HELD) holds up nobody. Written as
values that are not 1, which PostgreSQL takes for conditions that most rows meet: it then walks the outbox in order and
looks up each candidate's conversation by index. NOT EXISTS would make it join the whole table.
"""

ANY = 1000
"""Above every priority."""
DUE_AT_ONCE = 5000
"""Rows whose time has come that one claim looks after; bounds the first claim after a long silence."""
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

_SHOWN = f"""
SELECT m.id, m.conversation_id, m.contact_id, m.whatsapp_message_id, contacts.phone_number,
    {_LID}, m.priority, m.origin, contacts.opted_out_at IS NOT NULL, contacts.blocked_at IS NOT NULL
FROM messages AS m JOIN contacts ON contacts.id = m.contact_id
"""  # noqa: S608 - put together from the constant above
_CLAIM_SQLITE = f"""{_SHOWN}
WHERE {_READY} AND m.priority < %s
ORDER BY m.priority, m.id LIMIT %s
"""


_FIRST = f"SELECT m.priority FROM messages AS m WHERE {_READY} ORDER BY m.priority, m.id LIMIT 1"  # noqa: S608


def claim(lease: Lease, limit: int) -> list[Claimed]:
    """Take the next messages for this lease: people before campaigns, in order within a conversation.

    The commit does not wait for the disk: a claim that a crash of the database undoes is one that nobody made, and
    `begin`, which comes before anything leaves, waits for both.
    """
    with transaction.atomic():
        commit_lazily()
        connection = leases.guard(lease)
        if connection.held_since:
            return []
        _turn_due(connection, now())
        rules = pacing_settings.settings_of(connection)
        taken = _take(connection, lease, limit, Message.Priority.CAMPAIGN if rules.enabled else ANY)
        if (
            rules.enabled
            and len(taken) < limit
            and (key := campaign_gate.choose(connection, rules, _READY, lease))
        ):
            taken += _as_taken(bulk.fetch(f"{_SHOWN} WHERE m.id = %s", [key]))
        taken = campaign_gate.passed(connection, rules, taken)
    return [
        Claimed(
            one.id,
            one.conversation_id,
            Chat(phone=one.phone, lid=one.lid),
            one.wa_id,
            broadcast=one.priority >= Message.Priority.CAMPAIGN,
        )
        for one in taken
    ]


def _take(connection: WhatsAppConnection, lease: Lease, limit: int, below: int) -> list[campaign_gate.Taken]:
    """Mark the next messages whose priority is a lower number than `below`."""
    if database.vendor == "postgresql":
        return _as_taken(bulk.fetch(_CLAIM, [connection.pk, int(below), limit, lease.epoch]))
    taken = _as_taken(bulk.fetch(_CLAIM_SQLITE, [connection.pk, int(below), limit]))
    rows = Message.objects.filter(pk__in=[one.id for one in taken], status=Status.QUEUED)
    rows.update(claim_epoch=lease.epoch)
    return taken


def _as_taken(rows: list[tuple[Any, ...]]) -> list[campaign_gate.Taken]:
    return [
        campaign_gate.Taken(bulk.as_uuid(key), bulk.as_uuid(place), bulk.as_uuid(contact), wa_id or "", *rest)
        for key, place, contact, wa_id, *rest in rows
    ]


def _turn_due(connection: WhatsAppConnection, moment: datetime) -> None:
    """Act on times that have come: what has waited long enough may go, what has waited for too long will not leave.

    One look, usually in vain, at the few rows that have such a time.
    """
    found = _DUE.rows(connection.pk, moment)
    if not found:
        return
    waiting, late = _waiting(connection.pk), Q(expires_at__lte=moment)
    gone = [key for key, _, expires in found if expires and expires <= moment]
    waiting.filter(pk__in=[key for key, *_ in found]).exclude(late).update(not_before=None)
    if not gone:
        return
    transitions.move(waiting.filter(late, pk__in=gone), Status.EXPIRED, claim_epoch=0)


def _waiting(connection_id: UUID) -> QuerySet[Message]:
    return Message.objects.filter(connection_id=connection_id, status=Status.QUEUED)


def _due(connection_id: UUID, moment: datetime) -> QuerySet[Message, Any]:
    """(id, conversation's id, expiry) of what has waited long enough, or too long."""
    rows = _waiting(connection_id).filter(Q(expires_at__lte=moment) | Q(not_before__lte=moment)).order_by()
    return rows.values_list("pk", "conversation_id", "expires_at")[:DUE_AT_ONCE]


_DUE = Prepared[Any](_due)


def begin(lease: Lease, claimed: Sequence[Claimed]) -> list[tuple[Claimed, OutgoingMessage]]:
    """Save the WhatsApp ids (`claimed.wa_id`) and the state `sending`, committed, and return what to send.

    Files are read before the transaction, so that no row is locked for as long as a disk or S3 takes. Left out is what
    was cancelled or expired meanwhile, what something of its conversation must go before, and what cannot be read.
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
        ready = [one for one in ready if not _held(connection, messages[one.message_id])]
        first = campaign_gate.first(connection, [messages[one.message_id] for one in ready])
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


def _held(connection: WhatsAppConnection, message: Message) -> bool:
    """Whether WhatsApp's limit on new chats holds it; it is put back then."""
    if not new_chat_limit.holds(connection, message):
        return False
    new_chat_limit.hold(connection, message)
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
"""Written like _READY, and for its reason. Of one conversation only the first passes: it goes before the others."""


def _mark_sending(claimed: Sequence[Claimed], lease: Lease) -> dict[UUID, UUID]:
    """Message and conversation of each that is `sending` now."""
    moment = now()
    rows = sorted((one.message_id, one.wa_id, lease.epoch, moment) for one in claimed)
    begun = bulk.update_each(
        {"key": "uuid", "wa_id": "text", "epoch": "bigint", "at": "timestamptz"}, rows, _BEGIN
    )
    return {bulk.as_uuid(key): bulk.as_uuid(place) for key, place in begun}


def _load(lease: Lease, messages: Iterable[Message]) -> dict[UUID, MediaBlob]:
    """The messages' files by id, each read once. What cannot be read is left out, its messages put back or failed."""
    blobs: dict[UUID, MediaBlob] = {}
    for message in messages:
        if message.media is None or message.media_id in blobs:
            continue
        try:
            blobs[message.media.pk] = media_files.load(message.media)
        except FileNotFoundError:
            _give_up_claim(lease, message, Refused("media_missing", "The file of this message is gone."))
        except Exception:
            log.exception("media_unreadable", message_id=str(message.pk))
            _give_up_claim(lease, message, TryAgain("media_unreadable"))
    return blobs


def _readable(message: Message, blobs: dict[UUID, MediaBlob]) -> bool:
    return message.media_id is None or message.media_id in blobs


def _give_up_claim(lease: Lease, message: Message, outcome: Outcome) -> None:
    """A claimed message that cannot even be begun counts as tried."""
    with transaction.atomic():
        connection = leases.guard(lease)
        rows = Message.objects.filter(pk=message.pk, status=Status.QUEUED, claim_epoch=lease.epoch)
        if not rows.update(status=Status.SENDING, attempts=F("attempts") + 1):
            return
        _did_not_leave(connection, message.pk, outcome)


def settle(lease: Lease, outcomes: Sequence[tuple[UUID, Outcome]]) -> None:
    """Write what became of begun messages. A receipt that has come meanwhile is never overruled."""
    with transaction.atomic():
        connection, rises = leases.guard(lease), []
        for message_id, outcome in outcomes:
            match outcome:
                case Delivered(at, level):
                    # Without a receipt it is only queued on the phone: it stays `sending`, and is looked up
                    if status := states.status_of_ack(level):
                        rises.append(acks.Rise(message_id, status, acks.Times.of([(status, at)])))
                case _:
                    _did_not_leave(connection, message_id, outcome)
        if rises:
            acks.raise_statuses(connection, rises)


def _did_not_leave(connection: WhatsAppConnection, message_id: UUID, outcome: Outcome) -> None:
    match outcome:
        case TryAgain():
            _put_back(connection, message_id, outcome)
        case Held(until):
            new_chat_limit.refused(connection, message_id, until)
        case Refused(code, text):
            transitions.fail(connection, message_id, code, text)


def _put_back(connection: WhatsAppConnection, message_id: UUID, outcome: TryAgain) -> None:
    """It surely has not left: wait, longer each time, then fail."""
    rows = Message.objects.filter(pk=message_id, connection=connection, status=Status.SENDING)
    found = rows.values_list("attempts", "conversation_id").first()
    if found is None:
        return
    code = outcome.code
    wait = states.wait_before_next_try(found[0], outcome.retry_after)
    if wait is None:
        transitions.fail(connection, message_id, code, f"It did not get through in {found[0]} tries.")
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
    transitions.announce(connection, [(message_id, found[1], Status.QUEUED)], code[:64])


def release(lease: Lease, claimed: Sequence[Claimed]) -> None:
    """Put back what was claimed and not begun."""
    with transaction.atomic():
        leases.guard(lease)
        _unclaim(lease, [one.message_id for one in claimed])


def _unclaim(lease: Lease, message_ids: Sequence[UUID]) -> None:
    rows = Message.objects.filter(pk__in=message_ids, status=Status.QUEUED, claim_epoch=lease.epoch)
    rows.update(claim_epoch=0)


def free_dead_claims(batch: Sequence[LeaseTaken]) -> None:
    """What the runner before this one has claimed and not begun is free. Runs inside the taking of the lease."""
    for event in batch:
        rows = Message.objects.filter(
            connection_id=event.connection_id, status=Status.QUEUED, claim_epoch__gt=0
        )
        rows.update(claim_epoch=0)


def in_flight(lease: Lease) -> list[InFlight]:
    """What was begun on this number and has no result, oldest first."""
    connection = leases.check(lease)
    begun = Message.objects.filter(connection=connection, status=Status.SENDING)
    rows = begun.exclude(whatsapp_message_id=None).select_related("contact")
    found = list(rows.order_by("id"))
    lids = contact_selectors.lids_of({message.contact_id for message in found}) if found else {}
    return [
        InFlight(
            message.pk,
            Chat(phone=message.contact.phone_number, lid=lids.get(message.contact_id)),
            message.whatsapp_message_id or "",
            message.sending_since or message.created_at,
        )
        for message in found
    ]


def reconcile(lease: Lease, message: InFlight, ack: Ack | None) -> None:
    """Settle an in-flight message by what WhatsApp says of it. Not known there for long enough, it is `unknown`."""
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
    """0 when a message may be claimed now, else until the next waiting one may; None: nothing waits or may leave."""
    connection = leases.check(lease)
    if connection.held_since:
        return None
    moment, rules, waits = now(), pacing_settings.settings_of(connection), []
    for (priority,) in bulk.fetch(_FIRST, [lease.connection_id]):
        if not rules.enabled or priority < Message.Priority.CAMPAIGN:
            return 0.0
        waits.append(campaign_gate.seconds(connection, rules, moment))
    waiting = Message.objects.filter(
        connection_id=lease.connection_id, status=Status.QUEUED, not_before__isnull=False
    )
    due = waiting.order_by("not_before").values_list("not_before", flat=True).first()
    if due:
        waits.append(max((due - moment).total_seconds(), 0.0))
    return min(waits, default=None)
