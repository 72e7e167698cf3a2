"""Queries for numbers and the simulated phones of sandbox numbers."""

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
from connections.state_texts import explanation_of
from core.errors import NotFound
from core.ids import parse_id

Status = WhatsAppConnection.Status


def connections_of(business: BusinessProfile) -> QuerySet[WhatsAppConnection]:
    """Return the numbers of a business, oldest first."""
    return WhatsAppConnection.objects.filter(business_profile=business).order_by("created_at", "id")


def get_connection(business: BusinessProfile, connection_id: UUID | str) -> WhatsAppConnection:
    """Return a number of the business. Raises NotFound."""
    rows = WhatsAppConnection.objects.select_related("business_profile", "sandbox_phone")
    try:
        return rows.get(business_profile=business, pk=parse_id(connection_id, "This number"))
    except WhatsAppConnection.DoesNotExist:
        raise NotFound("This number") from None


def connections_by_id(business_id: UUID, connection_ids: Collection[UUID]) -> dict[UUID, WhatsAppConnection]:
    """Return numbers by id without their secrets. One query."""
    rows = WhatsAppConnection.objects.filter(business_profile_id=business_id)
    return rows.defer("session_data", "qr_code", "pairing_code").in_bulk(connection_ids)


def unstored_counts(business: BusinessProfile) -> dict[UUID, int]:
    """Count the unstored events by number, omitting numbers without any. One query."""
    rows = UnstoredEvent.objects.filter(business_profile=business).order_by()
    return dict(rows.values_list("connection").annotate(Count("pk")))


def chosen(business: BusinessProfile, connection_id: UUID | None = None) -> WhatsAppConnection:
    """Return the given number, or else the default one (see `default_connection`). Raises NotFound."""
    if connection_id is not None:
        return get_connection(business, connection_id)
    connection = default_connection(business)
    if connection is None:
        raise NotFound("A number")
    return connection


def default_connection(business: BusinessProfile, *, sandbox: bool = False) -> WhatsAppConnection | None:
    """Return the oldest connected number, or else the oldest. sandbox: consider sandbox numbers only."""
    rows = connections_of(business).select_related("business_profile", "sandbox_phone")
    if sandbox:
        rows = rows.filter(connection_mode=WhatsAppConnection.Mode.SANDBOX)
    connected = Case(When(status__in=[Status.CONNECTED, Status.DEGRADED], then=0), default=1)
    return rows.order_by(connected, "created_at", "id").first()


def chosen_sandbox(business: BusinessProfile, connection_id: UUID | None = None) -> WhatsAppConnection:
    """Return the given sandbox number, or else the default one. Raises NotFound, also for a real number."""
    connection = (
        get_connection(business, connection_id)
        if connection_id is not None
        else default_connection(business, sandbox=True)
    )
    if connection is None or not connection.is_sandbox:
        raise NotFound("A sandbox number")
    return connection


def current_qr_code(connection: WhatsAppConnection) -> str:
    """Return the content of the current QR code. Raises NotFound."""
    if connection.status != Status.QR_PENDING or qr_seconds_left(connection) <= 0:
        raise NotFound("A QR code")
    return connection.qr_code


def sandbox_phone(connection: WhatsAppConnection) -> SandboxPhone:
    """Return the simulated phone of a sandbox number. Raises NotFound for a real one."""
    try:
        return connection.sandbox_phone
    except SandboxPhone.DoesNotExist:
        raise NotFound("The simulated phone") from None


def get_customer(business: BusinessProfile, customer_id: UUID | str) -> SandboxCustomer:
    """Return a simulated customer of the business. Raises NotFound."""
    rows = SandboxCustomer.objects.select_related("phone__connection__business_profile")
    try:
        return rows.get(
            phone__connection__business_profile=business, pk=parse_id(customer_id, "This customer")
        )
    except SandboxCustomer.DoesNotExist:
        raise NotFound("This customer") from None


def sandbox_customers(connection: WhatsAppConnection) -> Sequence[SandboxCustomer]:
    """Return the simulated customers, latest activity first.

    Each has `last_body`, `last_kind`, `last_from_me` and `last_at` of the newest message.
    """
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
    """Return the newest `limit` messages of a simulated customer's chat, oldest first."""
    newest = SandboxMessage.objects.filter(customer=customer).order_by("-created_at", "-id")[:limit]
    return list(reversed(newest))


def get_sandbox_message(business: BusinessProfile, message_id: UUID | str) -> SandboxMessage:
    """Return a message of the simulated WhatsApp. Raises NotFound."""
    try:
        return SandboxMessage.objects.get(
            phone__connection__business_profile=business, pk=parse_id(message_id, "This message")
        )
    except SandboxMessage.DoesNotExist:
        raise NotFound("This message") from None


@dataclass(frozen=True)
class PastState:
    """A former state of a number. at: its beginning."""

    title: str
    at: datetime


def past_states(connection: WhatsAppConnection, limit: int = 30) -> list[PastState]:
    """Return the latest state changes of a number, newest first."""
    rows = ConnectionStateChange.objects.filter(connection=connection).order_by("-created_at", "-id")
    return [
        PastState(explanation_of(status, reason).title, at)
        for status, reason, at in rows.values_list("status", "status_reason", "created_at")[:limit]
    ]


def _will_retry(connection: WhatsAppConnection) -> bool:
    return connection.desired == WhatsAppConnection.Desired.ONLINE


def logs_out_at(connection: WhatsAppConnection) -> datetime | None:
    """Return when a disconnected number will be logged out (WHATSFLOW_LOGOUT_AFTER_DAYS); None if it will not."""
    offline = connection.status == Status.DISCONNECTED and not _will_retry(connection)
    if not (
        settings.LOGOUT_AFTER_DAYS and offline and connection.session_data and connection.status_changed_at
    ):
        return None
    return connection.status_changed_at + timedelta(days=settings.LOGOUT_AFTER_DAYS)


def qr_seconds_left(connection: WhatsAppConnection) -> int:
    """Return the remaining life of the QR code in whole seconds; 0 if there is none."""
    if not connection.qr_code or connection.qr_expires_at is None:
        return 0
    return max(0, round((connection.qr_expires_at - timezone.now()).total_seconds()))
