"""What people do with a business's numbers. The caller has authorised the actor and found the number."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.models import BusinessProfile, User
from accounts.services import audit
from connections import leases, selectors
from connections.drivers import registry
from connections.events import ConnectionStatusChanged
from connections.models import SandboxPhone, WhatsAppConnection
from connections.sandbox_store import create_phone, remove_media_of
from connections.session_vault import forget as forget_session
from core import clock
from core.errors import Conflict, InvalidInput
from core.events import publish
from core.phone import phone
from core.realtime import wakeup

log = structlog.get_logger(__name__)

IDLE_AT_ONCE = 20
"""Each takes a browser for some seconds."""
NO_CODE = {"qr_code": "", "qr_expires_at": None, "pairing_code": ""}


def create(business: BusinessProfile, actor: User | None, mode: str, name: str = "") -> WhatsAppConnection:
    """A new number, not connected yet. In sandbox mode with a simulated phone of its own.

    Raises InvalidInput("unknown_mode"), or ("mode_unavailable") with what this installation lacks for it.
    """
    if lacks := registry.unusable().get(mode):
        raise InvalidInput("mode_unavailable", f"This cannot be used here yet. {lacks}", field="mode")
    if mode not in registry.modes():
        raise InvalidInput(
            "unknown_mode", "There is no such way of connecting. Choose another one.", field="mode"
        )
    with transaction.atomic():
        connection = WhatsAppConnection.objects.create(
            business_profile=business, connection_mode=mode, name=_clean_name(name)
        )
        if connection.is_sandbox:
            create_phone(connection)
        audit.record(business, actor, "connection.created", connection, mode=mode)
    return connection


def connect(connection: WhatsAppConnection, actor: User | None, pairing_phone: str = "") -> None:
    """Ask for the number to be online: with the login it has, else by QR, or by pairing code for `pairing_phone`.

    Raises InvalidInput("invalid_phone_number"), or ("no_pairing_code") when the driver cannot do that.
    """
    if pairing_phone:
        pairing_phone = phone.to_e164(pairing_phone, connection.business_profile.default_country)
        if not registry.driver_class(connection.connection_mode).capabilities.pairing_code:
            raise InvalidInput(
                "no_pairing_code", "This number can only be linked by QR code.", field="phone_number"
            )
    with transaction.atomic():
        row = WhatsAppConnection.objects.filter(pk=connection.pk)
        row.update(
            desired=WhatsAppConnection.Desired.ONLINE,
            pairing_phone=pairing_phone,
            qr_count=0,
            restart_count=0,
            restart_not_before=None,
            start_requested_at=Now(),
        )
        _unattended(row).update(
            status=WhatsAppConnection.Status.STARTING, status_reason="", status_changed_at=Now(), **NO_CODE
        )
        audit.record(connection.business_profile, actor, "connection.connect", connection)
        _changed(connection)
        transaction.on_commit(partial(start, connection.pk))


def connect_chosen(
    business: BusinessProfile,
    actor: User | None,
    *,
    connection_id: UUID | None = None,
    connection_mode: str = "",
    phone_number: str = "",
) -> WhatsAppConnection:
    """Connect the number that is named, else the default one, else a new one of `connection_mode`.

    Raises NotFound, InvalidInput as `create` and `connect` do.
    """
    with transaction.atomic():
        BusinessProfile.objects.select_for_update(no_key=True).get(pk=business.pk)
        if connection_id is not None:
            connection = selectors.get_connection(business, connection_id)
        else:
            known = selectors.default_connection(business)
            mode = connection_mode or WhatsAppConnection.Mode.WHATSAPP_WEB
            connection = known or create(business, actor, mode)
        connect(connection, actor, phone_number)
    return connection


def disconnect(connection: WhatsAppConnection, actor: User | None) -> None:
    """Ask for the number to go offline, keeping its login. Messages wait in the outbox."""
    _leave(connection, actor, WhatsAppConnection.Desired.OFFLINE, "connection.disconnect")


def logout(connection: WhatsAppConnection, actor: User | None) -> None:
    """Ask for the number to be unlinked from the phone; connecting again then takes a new scan."""
    has_login = bool(connection.session_data)
    desired = WhatsAppConnection.Desired.LOGGED_OUT if has_login else WhatsAppConnection.Desired.OFFLINE
    _leave(connection, actor, desired, "connection.logout")


def log_out_idle() -> int:
    """Log out the numbers that have been disconnected for longer than a login is kept. Returns how many."""
    if not settings.LOGOUT_AFTER_DAYS:
        return 0
    since = clock.now() - timedelta(days=settings.LOGOUT_AFTER_DAYS)
    idle = WhatsAppConnection.objects.filter(
        desired=WhatsAppConnection.Desired.OFFLINE,
        status=WhatsAppConnection.Status.DISCONNECTED,
        status_changed_at__lt=since,
    ).exclude(session_data="")
    found = list(idle.select_related("business_profile").order_by("status_changed_at", "id")[:IDLE_AT_ONCE])
    for connection in found:
        log.info("idle_number_logged_out", connection_id=str(connection.pk))
        logout(connection, None)
    return len(found)


def rename(connection: WhatsAppConnection, actor: User | None, name: str) -> None:
    """What the team calls this number (at most 100 characters; empty: the number itself)."""
    name = _clean_name(name)
    with transaction.atomic():
        WhatsAppConnection.objects.filter(pk=connection.pk).update(name=name, updated_at=Now())
        audit.record(connection.business_profile, actor, "connection.renamed", connection)
    connection.name = name


def delete(connection: WhatsAppConnection, actor: User | None) -> None:
    """Remove the number with its conversations. Raises Conflict("still_connected") until it is disconnected."""
    with transaction.atomic():
        row = WhatsAppConnection.objects.select_for_update().filter(pk=connection.pk)
        if not row.filter(leases.lease_is_free(), desired=WhatsAppConnection.Desired.OFFLINE).exists():
            raise Conflict("still_connected", "Disconnect this number first, then delete it.")
        audit.record(
            connection.business_profile, actor, "connection.deleted", connection, name=connection.name
        )
        for phone_id in SandboxPhone.objects.filter(connection__in=row).values_list("pk", flat=True):
            transaction.on_commit(partial(remove_media_of, phone_id), robust=True)
        row.delete()
        transaction.on_commit(partial(forget_session, connection.pk), robust=True)


def stop_all(business_id: UUID) -> None:
    """Take every number of a deleted business offline. Must be called inside the transaction that deletes it."""
    rows = WhatsAppConnection.objects.filter(business_profile_id=business_id)
    rows.update(
        desired=WhatsAppConnection.Desired.OFFLINE, pairing_phone="", restart_not_before=None, **NO_CODE
    )
    _unattended(rows).update(
        status=WhatsAppConnection.Status.DISCONNECTED,
        status_reason=WhatsAppConnection.Reason.USER,
        status_changed_at=Now(),
    )
    for connection_id in rows.values_list("pk", flat=True):
        transaction.on_commit(partial(_ring, connection_id), robust=True)


def start(connection_id: UUID) -> None:
    """Ask a sessions worker to take the number, and wake the one that has it. Losing this costs a few seconds."""
    wakeup.notify(wakeup.connection_topic(connection_id))
    try:
        current_app.send_task("connections.tasks.run_session", args=[str(connection_id)])
    except Exception:
        log.warning("start_not_sent", connection_id=str(connection_id), exc_info=True)


def _leave(connection: WhatsAppConnection, actor: User | None, desired: str, action: str) -> None:
    with transaction.atomic():
        row = WhatsAppConnection.objects.filter(pk=connection.pk)
        row.update(
            desired=desired,
            pairing_phone="",
            restart_count=0,
            restart_not_before=None,
            start_requested_at=Now(),
        )
        _unattended(row).update(
            status=WhatsAppConnection.Status.DISCONNECTED,
            status_reason=WhatsAppConnection.Reason.USER,
            status_changed_at=Now(),
            **NO_CODE,
        )
        audit.record(connection.business_profile, actor, action, connection)
        _changed(connection)
        wake: Any = start if desired == WhatsAppConnection.Desired.LOGGED_OUT else _ring
        transaction.on_commit(partial(wake, connection.pk))


def _ring(connection_id: UUID) -> None:
    wakeup.notify(wakeup.connection_topic(connection_id))


def _unattended(row: QuerySet[WhatsAppConnection]) -> QuerySet[WhatsAppConnection]:
    """The number, unless a runner holds it: that one will write the state itself."""
    return row.filter(leases.lease_is_free())


def _changed(connection: WhatsAppConnection) -> None:
    """Bring the caller's copy up to date and tell everybody."""
    connection.refresh_from_db()
    publish(
        ConnectionStatusChanged(
            business_id=connection.business_profile_id,
            connection_id=connection.pk,
            status=connection.status,
            reason=connection.status_reason,
        )
    )


def _clean_name(name: str) -> str:
    name = " ".join(name.split())
    if len(name) > 100:
        raise InvalidInput("name_too_long", "Use at most 100 characters for the name.", field="name")
    return name
