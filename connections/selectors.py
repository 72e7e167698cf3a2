"""Reading a business's numbers and the simulated phones behind its sandbox numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, When
from django.utils import timezone

from accounts.models import BusinessProfile
from connections.models import (
    ConnectionStateChange,
    SandboxCustomer,
    SandboxMessage,
    SandboxPhone,
    UnstoredEvent,
    WhatsAppConnection,
)
from core.errors import NotFound

Reason = WhatsAppConnection.Reason
Status = WhatsAppConnection.Status


@dataclass(frozen=True)
class Explanation:
    """How a number is doing, for people. next_step: what they can do about it ("" when nothing)."""

    title: str
    text: str
    next_step: str = ""


def connections_of(business: BusinessProfile) -> QuerySet[WhatsAppConnection]:
    """The business's numbers, oldest first."""
    return WhatsAppConnection.objects.filter(business_profile=business).order_by("created_at", "id")


def get_connection(business: BusinessProfile, connection_id: UUID | str) -> WhatsAppConnection:
    """One of the business's numbers. Raises NotFound."""
    rows = WhatsAppConnection.objects.select_related("business_profile", "sandbox_phone")
    try:
        return rows.get(business_profile=business, pk=_uuid(connection_id))
    except WhatsAppConnection.DoesNotExist:
        raise NotFound("This number") from None


def connections_by_id(business_id: UUID, connection_ids: Collection[UUID]) -> dict[UUID, WhatsAppConnection]:
    """Those of the business's numbers that have these ids, without their secrets; one query."""
    rows = WhatsAppConnection.objects.filter(business_profile_id=business_id)
    return rows.defer("session_data", "qr_code", "pairing_code").in_bulk(connection_ids)


def unstored_counts(business: BusinessProfile) -> dict[UUID, int]:
    """How many events of each number could not be stored; numbers without any are left out. One query."""
    rows = UnstoredEvent.objects.filter(business_profile=business).order_by()
    return dict(rows.values_list("connection").annotate(Count("pk")))


def chosen(business: BusinessProfile, connection_id: UUID | None = None) -> WhatsAppConnection:
    """The number that is named, else the default one: a connected one if there is, else the oldest. Raises NotFound."""
    if connection_id is not None:
        return get_connection(business, connection_id)
    found = default_connection(business)
    if found is None:
        raise NotFound("A number")
    return found


def default_connection(business: BusinessProfile, *, sandbox: bool = False) -> WhatsAppConnection | None:
    """The oldest connected number, else the oldest; with `sandbox`, among the sandbox numbers. None: there is none."""
    rows = connections_of(business).select_related("business_profile", "sandbox_phone")
    if sandbox:
        rows = rows.filter(connection_mode=WhatsAppConnection.Mode.SANDBOX)
    connected = Case(When(status__in=[Status.CONNECTED, Status.DEGRADED], then=0), default=1)
    return rows.order_by(connected, "created_at", "id").first()


def chosen_sandbox(business: BusinessProfile, connection_id: UUID | None = None) -> WhatsAppConnection:
    """The sandbox number that is named, else the default one. Raises NotFound, also for a real number."""
    found = (
        get_connection(business, connection_id)
        if connection_id is not None
        else default_connection(business, sandbox=True)
    )
    if found is None or not found.is_sandbox:
        raise NotFound("A sandbox number")
    return found


def qr_on_show(connection: WhatsAppConnection) -> str:
    """The content of the QR code that may be scanned now. Raises NotFound when there is none."""
    if connection.status != Status.QR_PENDING or qr_seconds_left(connection) <= 0:
        raise NotFound("A QR code")
    return connection.qr_code


def sandbox_phone(connection: WhatsAppConnection) -> SandboxPhone:
    """The simulated phone of a sandbox number. Raises NotFound for a real one."""
    try:
        return connection.sandbox_phone
    except SandboxPhone.DoesNotExist:
        raise NotFound("The simulated phone") from None


def get_customer(business: BusinessProfile, customer_id: UUID | str) -> SandboxCustomer:
    """A simulated customer of one of the business's numbers. Raises NotFound."""
    rows = SandboxCustomer.objects.select_related("phone__connection__business_profile")
    try:
        return rows.get(phone__connection__business_profile=business, pk=_uuid(customer_id))
    except SandboxCustomer.DoesNotExist:
        raise NotFound("This customer") from None


def sandbox_customers(connection: WhatsAppConnection) -> Sequence[SandboxCustomer]:
    """The simulated customers, latest talk first, each with `last_body`, `last_kind`, `last_from_me`, `last_at`."""
    newest = SandboxMessage.objects.filter(customer=OuterRef("pk")).order_by("-created_at", "-id")
    rows = SandboxCustomer.objects.filter(phone__connection=connection).annotate(
        last_body=Subquery(newest.values("body")[:1]),
        last_kind=Subquery(newest.values("kind")[:1]),
        last_from_me=Subquery(newest.values("from_me")[:1]),
        last_at=Subquery(newest.values("created_at")[:1]),
    )
    customers = list(rows.order_by("created_at", "id"))
    customers.sort(key=lambda customer: -(customer.last_at.timestamp() if customer.last_at else 0))
    return customers


def sandbox_transcript(customer: SandboxCustomer, limit: int = 200) -> list[SandboxMessage]:
    """What the customer sees: the newest `limit` messages, oldest first."""
    newest = SandboxMessage.objects.filter(customer=customer).order_by("-created_at", "-id")[:limit]
    return list(reversed(newest))


def get_sandbox_message(business: BusinessProfile, message_id: UUID | str) -> SandboxMessage:
    """A message as the simulated WhatsApp keeps it. Raises NotFound."""
    try:
        return SandboxMessage.objects.get(phone__connection__business_profile=business, pk=_uuid(message_id))
    except SandboxMessage.DoesNotExist:
        raise NotFound("This message") from None


def reason_text(connection: WhatsAppConnection) -> Explanation:
    """How the number is doing and why, in plain words with the next step."""
    reason = connection.status_reason
    if connection.held_since and connection.is_connected:
        return _ON_HOLD
    if connection.status == Status.DISCONNECTED and _will_retry(connection):
        problem = _REASONS.get(reason, _REASONS[Reason.ERROR])
        return Explanation(
            problem.title, problem.text, "Nothing to do: we try again by ourselves, less often each time."
        )
    if connection.status == Status.QR_PENDING and connection.pairing_phone:
        return _PAIRING
    return _words(connection.status, reason)


def gap_text(connection: WhatsAppConnection) -> str:
    """Why messages may still be missing, in plain words; "" when nothing is."""
    if connection.gap_since is None:
        return ""
    if connection.gap_reason == "unreadable":
        chats = "1 chat" if connection.gap_chats == 1 else f"{connection.gap_chats} chats"
        return (
            f"{chats} couldn't be read completely. Messages of all other chats are here. We'll keep trying."
        )
    return _GAPS.get(connection.gap_reason, _GAPS["failed"])


def _words(status: str, reason: str) -> Explanation:
    if status == Status.DISCONNECTED and reason in _REASONS:
        return _REASONS[reason]
    if status == Status.DEGRADED and reason in _DEGRADED:
        return _DEGRADED[reason]
    if status == Status.STARTING and reason == Reason.NO_WORKER:
        return _NO_WORKER
    return _STATUSES[status]


@dataclass(frozen=True)
class PastState:
    """What a number's page said of it from `at` on."""

    title: str
    at: datetime


def past_states(connection: WhatsAppConnection, limit: int = 30) -> list[PastState]:
    """The states that the number went through, newest first."""
    rows = ConnectionStateChange.objects.filter(connection=connection).order_by("-created_at", "-id")
    return [
        PastState(_words(status, reason).title, at)
        for status, reason, at in rows.values_list("status", "status_reason", "created_at")[:limit]
    ]


def _will_retry(connection: WhatsAppConnection) -> bool:
    return connection.desired == WhatsAppConnection.Desired.ONLINE


def logs_out_at(connection: WhatsAppConnection) -> datetime | None:
    """When a disconnected number is logged out by the clock (WHATSFLOW_LOGOUT_AFTER_DAYS); None: it is not."""
    rests = connection.status == Status.DISCONNECTED and not _will_retry(connection)
    if not (
        settings.LOGOUT_AFTER_DAYS and rests and connection.session_data and connection.status_changed_at
    ):
        return None
    return connection.status_changed_at + timedelta(days=settings.LOGOUT_AFTER_DAYS)


def qr_seconds_left(connection: WhatsAppConnection) -> int:
    """How long the QR code on show may still be scanned, in whole seconds; 0 when there is none."""
    if not connection.qr_code or connection.qr_expires_at is None:
        return 0
    return max(0, round((connection.qr_expires_at - timezone.now()).total_seconds()))


def _uuid(value: UUID | str) -> UUID:
    """The id; for what is none, an id that no row has."""
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except ValueError:
        return UUID(int=0)


_PAIRING = Explanation(
    "Waiting for the code",
    "This number is to be linked with a code instead of a QR code.",
    "On the phone open WhatsApp, Linked devices, Link with phone number, and type the code shown here.",
)

_ON_HOLD = Explanation(
    "On hold",
    "WhatsFlow was off for long, or its data was restored from a backup: what waits here may have been sent already. "
    "Messages come in, and none goes out.",
    "An owner or admin has to decide what becomes of the messages that wait.",
)

_NO_WORKER = Explanation(
    "Waiting for a worker",
    "No worker has taken this number: each drives as many as it may, or none runs. We ask again by ourselves.",
    "Disconnect a number that is not needed, or have another worker started or WHATSFLOW_MAX_SESSIONS raised.",
)

_GAPS = {
    "": "Messages that arrived since then are being fetched.",
    "no_answer": "WhatsApp Web didn't answer when it was asked for its chats. We'll keep trying.",
    "page_changed": "WhatsApp Web has changed, and its chats can't be read for now. Messages that arrived since then "
    "may be missing here: check the phone.",
    "failed": "WhatsApp's chats couldn't be read. Messages that arrived since then may be missing here. "
    "We'll keep trying.",
}
"""By the number's gap_reason."""

_STATUSES: dict[str, Explanation] = {
    Status.DISCONNECTED: Explanation(
        "Not connected", "Messages neither come in nor go out on this number.", "Press Connect to link it."
    ),
    Status.STARTING: Explanation(
        "Starting", "A worker is opening this number. This usually takes a few seconds.", ""
    ),
    Status.QR_PENDING: Explanation(
        "Waiting to be scanned",
        "The QR code is new every few seconds; after five of them it ends.",
        "On the phone open WhatsApp, Linked devices, Link a device, and scan the code.",
    ),
    Status.SYNCING: Explanation(
        "Syncing", "The phone is linked; recent messages are being fetched. Keep the phone online.", ""
    ),
    Status.CONNECTED: Explanation("Connected", "Messages come in and go out.", ""),
    Status.DEGRADED: Explanation(
        "Not answering",
        "The number is linked, but something does not answer. Messages wait and go out when it does.",
        "If this lasts more than a few minutes, disconnect and connect again.",
    ),
}

_DEGRADED: dict[str, Explanation] = {
    Reason.NO_ACKS: Explanation(
        "Sends are not confirmed",
        "WhatsApp has not confirmed the last messages for a minute. New ones wait until it answers.",
        "Check the phone's connection. We open the number anew by ourselves.",
    ),
    Reason.PHONE_OFFLINE: Explanation(
        "Phone offline",
        "WhatsApp cannot be reached over this phone. Messages wait and nothing is lost.",
        "Switch the phone on and give it a network.",
    ),
    Reason.NO_ANSWER: Explanation(
        "WhatsApp Web does not answer",
        "The page of this number has stopped answering. Messages wait and nothing is lost.",
        "Nothing to do: after a minute we open it anew by ourselves. If it comes back, look at the server's memory.",
    ),
    Reason.PAGE_CHANGED: Explanation(
        "WhatsApp Web changed",
        "A part of WhatsApp Web that this number needs is missing. The rest still works.",
        "Look for an update of WhatsFlow.",
    ),
    Reason.DISK_FULL: Explanation(
        "The server's disk is full",
        "Messages come in as long as there is room for them. None goes out and no file is taken until there is more.",
        "Tell whoever runs this server to make room.",
    ),
    Reason.LIMITED: Explanation(
        "Limited by WhatsApp",
        "WhatsApp does not let this number start new chats for now. Replies still go out.",
        "Pause campaigns on this number and wait; do not link it anew.",
    ),
}

_REASONS: dict[str, Explanation] = {
    Reason.USER: Explanation(
        "Disconnected",
        "Somebody of your team disconnected this number. Its messages wait.",
        "Press Connect to go on.",
    ),
    Reason.UNLINKED: Explanation(
        "Unlinked on the phone",
        "This device was removed from the linked devices on the phone.",
        "Press Connect and scan the new QR code.",
    ),
    Reason.REPLACED: Explanation(
        "Opened elsewhere",
        "The same login was opened in another place, and WhatsApp allows only one.",
        "Close it there, then press Connect.",
    ),
    Reason.PHONE_OFFLINE: Explanation(
        "Phone offline",
        "The phone has been offline for so long that WhatsApp ended the session.",
        "Switch the phone on, give it a network, then press Connect.",
    ),
    Reason.QR_EXPIRED: Explanation(
        "Nobody scanned the QR code",
        "Five codes were shown, and none was scanned or typed in time.",
        "Have the phone at hand and press Show a new code.",
    ),
    Reason.NUMBER_TAKEN: Explanation(
        "The number is linked in another place",
        "The scanned number already belongs to another connection here. It was unlinked again.",
        "Remove it there first, or scan with another phone.",
    ),
    Reason.WRONG_NUMBER: Explanation(
        "Another number was scanned",
        "This connection belongs to a different phone number, and its conversations with it. "
        "The scanned phone was unlinked again.",
        "Press Connect and scan with the right phone, or add the other number as a new connection.",
    ),
    Reason.BROWSER_DIED: Explanation(
        "Browser ended",
        "The browser that drives this number ended unexpectedly.",
        "Press Connect to start it again.",
    ),
    Reason.NO_BROWSER: Explanation(
        "No browser on the server",
        "The server that drives this number has no Chromium.",
        "On Debian or Ubuntu: apt install chromium chromium-driver. Then press Connect.",
    ),
    Reason.NOT_READY: Explanation(
        "WhatsApp Web did not become ready",
        "The page was opened and did not come up in time.",
        "Check the server's network. A picture of the page is kept for whoever runs the server.",
    ),
    Reason.OUTDATED: Explanation(
        "WhatsApp Web wants another version",
        "WhatsApp says that the page is too old, and loading it again did not help.",
        "Look for an update of WhatsFlow and of Chromium, then press Connect.",
    ),
    Reason.LOGIN_LOST: Explanation(
        "The login is gone",
        "The login of this number could not be restored on this server.",
        "Log out here, press Connect and scan the QR code again. Nothing else is lost.",
    ),
    Reason.PAGE_CHANGED: Explanation(
        "WhatsApp Web changed",
        "WhatsApp Web does not look as expected, so we stopped before doing harm.",
        "Look for an update of WhatsFlow, then press Connect.",
    ),
    Reason.LIMITED: Explanation(
        "Limited by WhatsApp",
        "WhatsApp restricts what this number may do for now.",
        "Open WhatsApp on the phone and read what it says. Pause campaigns before you connect again.",
    ),
    Reason.BANNED: Explanation(
        "Banned by WhatsApp",
        "WhatsApp has banned this number.",
        "Open WhatsApp on the phone and ask for a review there. We will not try again by ourselves.",
    ),
    Reason.NO_ACKS: Explanation(
        "Sends are not confirmed",
        "WhatsApp did not confirm the last messages, so the number is being opened anew.",
        "Check the phone's connection.",
    ),
    Reason.NO_ANSWER: Explanation(
        "WhatsApp Web does not answer",
        "The page of this number has stopped answering.",
        "Press Connect to open it anew. If it comes back, the server has too little memory or too many numbers.",
    ),
    Reason.ERROR: Explanation(
        "Unexpected error",
        "Something went wrong while this number was being driven.",
        "Press Connect. If it comes back, the worker's log has the details.",
    ),
}
