"""Create, connect, disconnect and delete numbers.

The caller has authorised the actor and loaded the number.
"""

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
from connections.driver_stores.sandbox import create_phone, remove_media_of
from connections.driver_stores.whatsapp_web import delete_login
from connections.drivers import registry
from connections.events import ConnectionStatusChanged
from connections.models import SandboxPhone, WhatsAppConnection
from core import clock
from core.errors import Conflict, InvalidInput
from core.events import publish
from core.phone import phone
from core.realtime import wakeup

log = structlog.get_logger(__name__)

IDLE_BATCH = 20
"""Numbers logged out by one run; each needs a browser for some seconds."""
NO_CODE = {"qr_code": "", "qr_expires_at": None, "pairing_code": ""}


def create(business: BusinessProfile, actor: User | None, mode: str, name: str = "") -> WhatsAppConnection:
    """Create a number, not connected yet. In sandbox mode it gets a simulated phone.

    Raises InvalidInput("unknown_mode"), or ("mode_unavailable") with what this installation lacks.
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
    """Request that the number connects.

    It uses its login, a QR code, or a pairing code for `pairing_phone`. Raises InvalidInput("invalid_phone_number"), or
    ("no_pairing_code") when the driver cannot do that.
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
    """Connect the given number, else the default, else a new one.

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
    """Request that the number disconnects and keeps its login.

    Messages wait in the outbox.
    """
    _go_offline(connection, actor, WhatsAppConnection.Desired.OFFLINE, "connection.disconnect")


def logout(connection: WhatsAppConnection, actor: User | None) -> None:
    """Request that the number is unlinked from the phone.

    Connecting again then needs a new scan.
    """
    has_login = bool(connection.session_data)
    desired = WhatsAppConnection.Desired.LOGGED_OUT if has_login else WhatsAppConnection.Desired.OFFLINE
    _go_offline(connection, actor, desired, "connection.logout")


def log_out_idle() -> int:
    """Log out numbers that have been disconnected longer than LOGOUT_AFTER_DAYS.

    Returns how many.
    """
    if not settings.LOGOUT_AFTER_DAYS:
        return 0
    since = clock.now() - timedelta(days=settings.LOGOUT_AFTER_DAYS)
    idle = WhatsAppConnection.objects.filter(
        desired=WhatsAppConnection.Desired.OFFLINE,
        status=WhatsAppConnection.Status.DISCONNECTED,
        status_changed_at__lt=since,
    ).exclude(session_data="")
    connections = list(
        idle.select_related("business_profile").order_by("status_changed_at", "id")[:IDLE_BATCH]
    )
    for connection in connections:
        log.info("idle_number_logged_out", connection_id=str(connection.pk))
        logout(connection, None)
    return len(connections)


def rename(connection: WhatsAppConnection, actor: User | None, name: str) -> None:
    """Set the name of the number.

    At most 100 characters; empty: the phone number is shown.
    """
    name = _clean_name(name)
    with transaction.atomic():
        WhatsAppConnection.objects.filter(pk=connection.pk).update(name=name, updated_at=Now())
        audit.record(connection.business_profile, actor, "connection.renamed", connection)
    connection.name = name


def delete(connection: WhatsAppConnection, actor: User | None) -> None:
    """Delete the number with its conversations.

    Raises Conflict("still_connected") until it is disconnected.
    """
    with transaction.atomic():
        row = WhatsAppConnection.objects.select_for_update().filter(pk=connection.pk)
        if not row.filter(leases.is_free(), desired=WhatsAppConnection.Desired.OFFLINE).exists():
            raise Conflict("still_connected", "Disconnect this number first, then delete it.")
        audit.record(
            connection.business_profile, actor, "connection.deleted", connection, name=connection.name
        )
        for phone_id in SandboxPhone.objects.filter(connection__in=row).values_list("pk", flat=True):
            transaction.on_commit(partial(remove_media_of, phone_id), robust=True)
        row.delete()
        transaction.on_commit(partial(delete_login, connection.pk), robust=True)


def stop_all(business_id: UUID) -> None:
    """Take all numbers of a deleted business offline.

    Call inside the transaction of the deletion.
    """
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
        wake_runner_on_commit(connection_id)


def start(connection_id: UUID) -> None:
    """Request a worker for the number, and wake the one that has it.

    Losing the request costs a few seconds.
    """
    wake_runner(connection_id)
    try:
        current_app.send_task("connections.tasks.run_session", args=[str(connection_id)])
    except Exception:
        log.warning("start_not_sent", connection_id=str(connection_id), exc_info=True)


def _go_offline(connection: WhatsAppConnection, actor: User | None, desired: str, action: str) -> None:
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
        wake: Any = start if desired == WhatsAppConnection.Desired.LOGGED_OUT else wake_runner
        transaction.on_commit(partial(wake, connection.pk))


def wake_runner(connection_id: UUID) -> None:
    """Wake the number's session runner now.

    A wake-up may be lost; the runner checks again by itself.
    """
    wakeup.notify(wakeup.connection_topic(connection_id))


def wake_runner_on_commit(connection_id: UUID) -> None:
    """Wake the number's session runner after the present transaction."""
    transaction.on_commit(partial(wake_runner, connection_id), robust=True)


def _unattended(row: QuerySet[WhatsAppConnection]) -> QuerySet[WhatsAppConnection]:
    """Exclude a number that a runner holds: that runner writes the status itself."""
    return row.filter(leases.is_free())


def _changed(connection: WhatsAppConnection) -> None:
    """Refresh the caller's instance and publish the event."""
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
