"""State and login of a number, as its session runner reads and saves them.

Functions that take the lease raise LeaseLost.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, Value
from django.db.models.fields import DurationField
from django.db.models.functions import Now

from connections import leases
from connections.drivers.base import Phase, ResourceUsage, State
from connections.events import ConnectionStatusChanged
from connections.leases import Lease
from connections.models import WhatsAppConnection
from connections.services import numbers
from core import clock
from core.events import publish

log = structlog.get_logger(__name__)

Desired = WhatsAppConnection.Desired
Reason = WhatsAppConnection.Reason
Status = WhatsAppConnection.Status

FINAL = frozenset(
    {
        Reason.USER,
        Reason.UNLINKED,
        Reason.REPLACED,
        Reason.QR_EXPIRED,
        Reason.NUMBER_TAKEN,
        Reason.WRONG_NUMBER,
        Reason.BANNED,
        Reason.PAGE_CHANGED,
        Reason.NO_BROWSER,
        Reason.LOGIN_LOST,
    }
)
"""Reasons that a retry does not resolve: the number stays offline until a person connects it."""

SILENT = frozenset({Reason.NO_ACKS, Reason.NO_ANSWER})
"""Reasons of a session that is still linked but gets no answers: it is opened again."""

RESTART_WAITS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Backoff in seconds before a session that keeps ending is opened again."""

REQUEST_AGAIN_SECONDS = (5.0, 300.0)
"""Shortest and longest interval between two requests for a worker."""

NO_WORKER_SECONDS = 15.0
"""After this time without a worker, the number shows that none is free."""

_NO_CODE: dict[str, Any] = numbers.NO_CODE


@dataclass(frozen=True)
class Instructions:
    """Instructions of the business to the number's runner.

    desired: a status of `Desired`. wait: seconds until the session may be opened again. limited: whether WhatsApp
    forbids new chats for now.
    """

    desired: str
    wait: float
    pairing_phone: str
    limited: bool = False


def instructions(lease: Lease) -> Instructions:
    """Read the instructions. Raises LeaseLost."""
    row = leases.check(lease)
    not_before = row.restart_not_before
    wait = (not_before - clock.database_now()).total_seconds() if not_before else 0.0
    limited = row.limited_until is not None and row.limited_until > clock.now()
    return Instructions(row.desired, max(0.0, wait), row.pairing_phone, limited)


def load(lease: Lease) -> WhatsAppConnection:
    """Return the number with everything that a driver needs, secrets included."""
    with transaction.atomic():
        leases.guard(lease)
        return WhatsAppConnection.objects.get(pk=lease.connection_id)


def report_state(lease: Lease, state: State) -> str:
    """Save the driver's state.

    Returns "", or the reason why the linked phone is refused. The reason is `number_taken` (another number has this
    phone number) or `wrong_number` (this one belongs to a different phone). Nothing is saved then, and the runner has
    to log out.
    """
    with transaction.atomic():
        row = leases.guard(lease)
        if state.phase == Phase.ENDED:
            _end(row, state.reason or Reason.ERROR)
            return ""
        if state.own_number and (refusal := _adopt_number(row, state.own_number)):
            return refusal
        fields = _fields(row, state)
        _write(row, fields)
    return ""


def ended(lease: Lease, reason: str, session: str) -> None:
    """Save that the session ended for good. session: what is left of the login."""
    with transaction.atomic():
        row = leases.guard(lease)
        _end(row, reason)
        _save_session(row, session)


def crashed(lease: Lease, reason: str) -> float:
    """Save that the session broke.

    Returns the backoff in seconds until it is opened again.
    """
    with transaction.atomic():
        row = leases.guard(lease)
        wait = RESTART_WAITS[min(row.restart_count, len(RESTART_WAITS) - 1)]
        status = Status.DEGRADED if reason in SILENT else Status.DISCONNECTED
        restart = ExpressionWrapper(
            Now() + Value(timedelta(seconds=wait), output_field=DurationField()), output_field=DateTimeField()
        )
        count = min(row.restart_count + 1, 1000)
        fields = {"status": status, "status_reason": _known_reason(reason), **_NO_CODE}
        _write(row, {**fields, "restart_count": count, "restart_not_before": restart})
    return wait


def paused(lease: Lease) -> None:
    """Save that this worker stops.

    The number is "starting" until the next worker takes it.
    """
    with transaction.atomic():
        _write(leases.guard(lease), {"status": Status.STARTING, "status_reason": "", **_NO_CODE})


def save_session(lease: Lease, session: str) -> None:
    """Save the login under the next generation, if it changed."""
    with transaction.atomic():
        _save_session(leases.guard(lease), session)


def limit_new_chats(lease: Lease, until: datetime | None) -> datetime:
    """Save that WhatsApp forbids new chats.

    Returns until when; never earlier than saved before. until: None if WhatsApp did not say; then WHATSFLOW_LIMIT_HOURS
    from now.
    """
    chosen = until or clock.now() + timedelta(hours=settings.LIMIT_HOURS)
    with transaction.atomic():
        row = leases.guard(lease)
        chosen = max(chosen, row.limited_until or chosen)
        WhatsAppConnection.objects.filter(pk=row.pk).update(limited_until=chosen)
    log.warning("new_chats_limited", connection_id=str(lease.connection_id), until=chosen.isoformat())
    return chosen


def record_proof(lease: Lease, *, steady: bool, vitals: ResourceUsage | None = None) -> None:
    """Save that WhatsApp answered just now.

    steady: the session runs so long that earlier crashes no longer count.
    """
    with transaction.atomic():
        row = leases.guard(lease)
        cursor = {**row.inbound_cursor, "caught_up_at": clock.now().isoformat()}
        fields: dict[str, Any] = {"last_proof_at": Now(), "inbound_cursor": cursor}
        if vitals is not None:
            fields["vitals"] = _to_json(vitals)
        if steady:
            fields |= {"restart_count": 0, "restart_not_before": None}
        WhatsAppConnection.objects.filter(pk=row.pk).update(**fields)


def _to_json(vitals: ResourceUsage) -> dict[str, Any]:
    """Convert to JSON values: times in ISO 8601, unknown values left out."""
    plain = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(vitals).items()
    }
    return {name: value for name, value in plain.items() if value not in (None, "")}


def ensure() -> int:
    """Request a worker for every number that should be driven and is not.

    Returns how many.
    """
    requested = 0
    now = clock.database_now()
    for connection_id in _waiting_numbers(now):
        with transaction.atomic():
            if not _mark_requested(connection_id, now):
                continue
        numbers.start(connection_id)
        requested += 1
    return requested


def should_request_again(now: datetime, requested: datetime | None, since: datetime | None) -> bool:
    """Return whether to request a worker (again).

    The interval grows with the wait, so that no queue builds up.
    """
    if requested is None:
        return True
    shortest, longest = REQUEST_AGAIN_SECONDS
    waited = (requested - since).total_seconds() if since else 0.0
    return (now - requested).total_seconds() >= min(longest, max(shortest, waited))


def _waiting_numbers(now: datetime) -> list[UUID]:
    rows = WhatsAppConnection.objects.filter(_unattended()).values_list(
        "pk", "start_requested_at", "status_changed_at"
    )
    return [pk for pk, requested, since in rows if should_request_again(now, requested, since)]


def _unattended() -> Q:
    """Condition on numbers that should be driven and are not."""
    may_start = Q(restart_not_before=None) | Q(restart_not_before__lte=Now())
    return leases.is_free() & may_start & Q(desired__in=[Desired.ONLINE, Desired.LOGGED_OUT])


def _mark_requested(connection_id: UUID, now: datetime) -> bool:
    """Save the request and reset an outdated status.

    Returns False if no request is due any more.
    """
    row = (
        WhatsAppConnection.objects.select_for_update(no_key=True)
        .filter(_unattended(), pk=connection_id)
        .first()
    )
    if row is None or not should_request_again(now, row.start_requested_at, row.status_changed_at):
        return False
    fields: dict[str, Any] = {"start_requested_at": Now()}
    if row.status not in (Status.STARTING, Status.DISCONNECTED):
        fields |= {"status": Status.STARTING, "status_reason": "", **_NO_CODE}
    elif row.status == Status.STARTING and _has_no_worker(row, now):
        fields["status_reason"] = Reason.NO_WORKER
    _write(row, fields)
    return True


def _has_no_worker(row: WhatsAppConnection, now: datetime) -> bool:
    """Return whether no worker has taken the number within NO_WORKER_SECONDS."""
    since = row.status_changed_at
    return since is not None and (now - since).total_seconds() >= NO_WORKER_SECONDS


def _fields(row: WhatsAppConnection, state: State) -> dict[str, Any]:
    """Return the columns for a driver's state."""
    if state.phase == Phase.LOADING:
        return {"status": Status.STARTING, "status_reason": "", **_NO_CODE}
    if state.phase == Phase.QR:
        return {"status": Status.QR_PENDING, "status_reason": "", **_code(state)}
    own = {"push_name": state.own_name[:255]} if state.own_name else {}
    if state.phase == Phase.SYNCING:
        return {"status": Status.SYNCING, "status_reason": "", **_NO_CODE, **own}
    ready = {"last_proof_at": Now(), "pairing_phone": "", "qr_count": 0, **_NO_CODE, **own}
    if state.degraded:
        return {"status": Status.DEGRADED, "status_reason": _known_reason(state.degraded), **ready}
    if row.status != Status.CONNECTED:
        ready["last_connected_at"] = Now()
    return {"status": Status.CONNECTED, "status_reason": "", **ready}


def _code(state: State) -> dict[str, Any]:
    """Return the columns of the displayed code.

    The runner reports each code once, so every call counts one.
    """
    expires = (
        clock.now() + timedelta(seconds=state.qr_expires_in) if state.qr_expires_in is not None else None
    )
    return {
        "qr_code": state.qr,
        "qr_expires_at": expires,
        "qr_count": F("qr_count") + 1,
        "pairing_code": state.pairing_code,
    }


def _adopt_number(row: WhatsAppConnection, number: str) -> str:
    """Save the linked phone's number, once. Returns the reason of a refusal, or ""."""
    if row.phone_number == number:
        return ""
    if row.phone_number:
        return Reason.WRONG_NUMBER
    try:
        with transaction.atomic():
            WhatsAppConnection.objects.filter(pk=row.pk).update(phone_number=number)
    except IntegrityError:
        return Reason.NUMBER_TAKEN
    return ""


def _end(row: WhatsAppConnection, reason: str) -> None:
    """Save that the session ended. A request to connect that came meanwhile stays."""
    requested_again = reason == Reason.USER and row.desired == Desired.ONLINE
    _write(
        row,
        {
            "status": Status.DISCONNECTED,
            "status_reason": _known_reason(reason),
            "desired": row.desired if requested_again else Desired.OFFLINE,
            "pairing_phone": "",
            "restart_count": 0,
            "restart_not_before": None,
            **_NO_CODE,
        },
    )


def _save_session(row: WhatsAppConnection, session: str) -> None:
    known = WhatsAppConnection.objects.values_list("session_data", flat=True).get(pk=row.pk)
    if known != session:
        WhatsAppConnection.objects.filter(pk=row.pk).update(
            session_data=session, session_generation=F("session_generation") + 1
        )


def _write(row: WhatsAppConnection, fields: dict[str, Any]) -> None:
    """Save the columns, and publish the event if what people see has changed."""
    status, reason = fields.get("status", row.status), fields.get("status_reason", row.status_reason)
    moved = (status, reason) != (row.status, row.status_reason)
    if moved:
        fields = {**fields, "status_changed_at": Now()}
    WhatsAppConnection.objects.filter(pk=row.pk).update(**fields)
    if moved or fields.get("qr_code") or fields.get("pairing_code"):
        publish(
            ConnectionStatusChanged(
                business_id=row.business_profile_id, connection_id=row.pk, status=status, reason=reason
            )
        )


def _known_reason(reason: str) -> str:
    """Return the reason if it is defined, else ERROR."""
    return reason if reason in Reason.values else Reason.ERROR
