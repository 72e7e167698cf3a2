"""View models of numbers: status, engine, QR code, and chats of the simulated phone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, NoReturn

from django.core.files.storage import default_storage
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import BusinessProfile
from connections import selectors, state_texts
from connections.drivers import registry
from connections.drivers.base import AckLevel
from connections.drivers.sandbox.personas import PERSONAS, QUIET
from connections.models import SandboxCustomer, SandboxMessage, WhatsAppConnection
from connections.ports import Traffic, traffic_of
from connections.state_texts import Explanation
from core.errors import NotFound
from core.web import qr

Status = WhatsAppConnection.Status
Desired = WhatsAppConnection.Desired
Reason = WhatsAppConnection.Reason

CODES_SHOWN = 5
"""QR codes shown before the attempt ends."""
POLL_BUSY_SECONDS = 5
POLL_SETTLED_SECONDS = 30


@dataclass(frozen=True)
class StatusStyle:
    """Colour and icon of a status. Pages also show its title, so that colour is never the only sign."""

    color: str
    icon: str


_STYLES = {
    Status.CONNECTED: StatusStyle("green", "circle-check"),
    Status.DEGRADED: StatusStyle("yellow", "alert-triangle"),
    Status.QR_PENDING: StatusStyle("blue", "qrcode"),
    Status.STARTING: StatusStyle("blue", "loader-2"),
    Status.SYNCING: StatusStyle("blue", "refresh"),
    Status.DISCONNECTED: StatusStyle("secondary", "plug-x"),
}
_TROUBLE = StatusStyle("red", "alert-circle")
_ON_HOLD = StatusStyle("yellow", "alert-triangle")
_CALM_REASONS = {Reason.NONE, Reason.USER, Reason.QR_EXPIRED}


@dataclass(frozen=True)
class Card:
    """View model of one number."""

    connection: WhatsAppConnection
    style: StatusStyle
    explanation: Explanation
    traffic: Traffic
    pairing: bool
    """Whether the driver supports pairing codes."""
    unstored: int = 0
    """Number of events that could not be stored."""

    @property
    def engine(self) -> Engine | None:
        return engine_of(self.connection)

    @property
    def limited_until(self) -> datetime | None:
        """End of WhatsApp's limit on new chats; None if there is no limit now."""
        until = self.connection.limited_until
        return until if until and until > timezone.now() else None

    @property
    def gap_text(self) -> str:
        """Why messages may still be missing; "" if none are."""
        return state_texts.gap_text(self.connection)

    @property
    def logs_out_at(self) -> datetime | None:
        """When a disconnected number will be logged out; None if it will not."""
        return selectors.logs_out_at(self.connection)

    @property
    def settled(self) -> bool:
        """Whether the status matches the desired one; if not, it will change soon."""
        online = self.connection.desired == Desired.ONLINE
        return self.connection.status == (Status.CONNECTED if online else Status.DISCONNECTED)

    @property
    def poll_seconds(self) -> int:
        """Polling interval of the page, in case a live update is lost."""
        return POLL_SETTLED_SECONDS if self.settled else POLL_BUSY_SECONDS

    @property
    def connect_label(self) -> str:
        """Label of the button that connects the number."""
        return "Show a new code" if self.connection.status_reason == Reason.QR_EXPIRED else "Connect"

    @property
    def can_connect(self) -> bool:
        return self.connection.desired != Desired.ONLINE

    @property
    def may_pair(self) -> bool:
        """Whether a pairing code may be requested: the number is not linked and has no login."""
        unlinked = self.connection.status in (Status.DISCONNECTED, Status.QR_PENDING)
        return self.pairing and unlinked and not self.connection.session_data

    @property
    def can_log_out(self) -> bool:
        """Whether there is a login to end."""
        return bool(self.connection.session_data) and self.connection.desired != Desired.LOGGED_OUT


@dataclass(frozen=True)
class Engine:
    """Resource usage and login backup of a session. cpu: percent of one core. note: problem of the backup, or ""."""

    name: str
    started_at: datetime | None
    memory: int | None
    cpu: float | None
    archived_at: datetime | None
    note: str


_ARCHIVE_NOTES = {
    "too_large": "The login has grown too large to be copied: only this server can go on with it. Log out and link "
    "the number anew, or let whoever runs the server raise WHATSAPP_WEB_ARCHIVE_MB.",
    "failed": "The login could not be copied to the media storage: only this server can go on with it. "
    "Whoever runs the server finds the reason in its log.",
}
STALE_ARCHIVE = timedelta(days=3)
_STALE_NOTE = (
    "The copy of the login is old. Should this server be lost, the number may have to be scanned again."
)


def engine_of(connection: WhatsAppConnection) -> Engine | None:
    """Build the engine of a number's last session; None if it reported none. Usage is shown only while it runs."""
    usage = connection.vitals
    if not usage.get("engine"):
        return None
    archived_at = _moment(usage.get("archived_at"))
    note = _ARCHIVE_NOTES.get(usage.get("archive_problem", ""), "")
    if not note and archived_at and timezone.now() - archived_at > STALE_ARCHIVE:
        note = _STALE_NOTE
    runs = connection.is_connected
    return Engine(
        name=usage["engine"],
        started_at=_moment(usage.get("started_at")) if runs else None,
        memory=usage.get("memory") if runs else None,
        cpu=usage.get("cpu") if runs else None,
        archived_at=archived_at,
        note=note if connection.session_data else "",
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True)
class Code:
    """The current QR code. version: digest that changes with the code and does not reveal it."""

    content: str
    version: str
    seconds_left: int
    number: int

    @property
    def svg(self) -> SafeString:
        return qr.svg(self.content)

    @property
    def of(self) -> int:
        return CODES_SHOWN


def style_of(connection: WhatsAppConnection) -> StatusStyle:
    """Return the style of a number: grey if disconnected on purpose, red if it stopped by itself."""
    if connection.status == Status.DISCONNECTED and connection.status_reason not in _CALM_REASONS:
        return _TROUBLE
    if connection.held_since and connection.is_connected:
        return _ON_HOLD
    return _STYLES[Status(connection.status)]


def cards(business: BusinessProfile, connections: Iterable[WhatsAppConnection]) -> list[Card]:
    """Build the view models of numbers, with constant queries for their traffic."""
    rows = list(connections)
    traffic = traffic_of(business, [connection.pk for connection in rows])
    unstored = selectors.unstored_counts(business)
    return [
        Card(
            connection=connection,
            style=style_of(connection),
            explanation=state_texts.reason_text(connection),
            traffic=traffic[connection.pk],
            pairing=_can_pair(connection.connection_mode),
            unstored=unstored.get(connection.pk, 0),
        )
        for connection in rows
    ]


def _can_pair(mode: str) -> bool:
    """Return whether the mode supports pairing codes; False if its driver is not usable here."""
    return mode in registry.modes() and registry.driver_class(mode).capabilities.pairing_code


def current_code(connection: WhatsAppConnection) -> Code | None:
    """Return the current QR code; None if there is none or it has expired."""
    left = selectors.qr_seconds_left(connection)
    if connection.status != Status.QR_PENDING or left <= 0:
        return None
    return Code(connection.qr_code, _digest(connection.qr_code), left, connection.qr_count)


def current_pairing_code(connection: WhatsAppConnection) -> str:
    """Return the pairing code to type on the phone, or ""."""
    return connection.pairing_code if connection.status == Status.QR_PENDING else ""


def must_disconnect(connection: WhatsAppConnection) -> bool:
    """Return True if the number must be disconnected before it can be deleted."""
    return connection.desired != Desired.OFFLINE


def version_of(cards: Iterable[Card]) -> str:
    """Return a digest of all that the cards show; `last_proof_at` counts by the minute."""
    parts = [
        (
            str(card.connection.pk),
            card.connection.display_name,
            card.connection.phone_number,
            card.connection.desired,
            card.connection.status_changed_at,
            card.connection.qr_count,
            bool(card.connection.pairing_code),
            _minute(card.connection.last_proof_at),
            card.limited_until,
            card.engine,
            card.connection.held_since,
            (card.connection.gap_since, card.gap_text, card.connection.backfilled_count),
            card.explanation,
            card.traffic,
            card.unstored,
        )
        for card in cards
    ]
    return _digest(repr(parts))


def _minute(moment: datetime | None) -> str:
    return moment.isoformat(timespec="minutes") if moment else ""


# -- the simulated phone -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bubble:
    """View model of a message in a simulated customer's chat. quoted: the message it replies to."""

    message: SandboxMessage
    quoted: SandboxMessage | None
    new_day: bool

    @property
    def is_picture(self) -> bool:
        return is_picture(self.message)

    @property
    def was_read(self) -> bool:
        """Whether the business has read the customer's message."""
        return not self.message.from_me and self.message.ack >= AckLevel.READ


@dataclass(frozen=True)
class Transcript:
    """View model of a simulated customer's chat. typing: the business is typing. version: digest of its content."""

    bubbles: list[Bubble]
    typing: bool
    version: str


PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
"""MIME types shown inline; all others are downloads."""


def is_picture(message: SandboxMessage) -> bool:
    """Return True if the message's file may be shown inline."""
    return bool(message.media_key) and message.media_mime in PICTURES


def file_of(message: SandboxMessage) -> IO[bytes]:
    """Open the message's file. Raises NotFound."""
    try:
        return default_storage.open(message.media_key) if message.media_key else _gone()
    except FileNotFoundError:
        return _gone()


def _gone() -> NoReturn:
    raise NotFound("This file")


def transcript(customer: SandboxCustomer) -> Transcript:
    """Build the chat of a simulated customer, oldest message first."""
    messages = selectors.sandbox_transcript(customer)
    by_id = {message.wa_id: message for message in messages}
    bubbles = []
    day = None
    for message in messages:
        message_day = timezone.localtime(message.created_at).date()
        bubbles.append(Bubble(message, by_id.get(message.quoted_wa_id), message_day != day))
        day = message_day
    until = customer.sees_typing_until
    typing = until is not None and until > timezone.now()
    parts = [(message.wa_id, message.ack, message.body) for message in messages]
    return Transcript(bubbles, typing, _digest(repr((parts, typing))))


def mode_choices() -> list[tuple[str, str]]:
    """Return choices of the connection modes that are usable here."""
    return [(str(mode), str(WhatsAppConnection.Mode(mode).label)) for mode in registry.modes()]


def unusable_modes() -> list[tuple[str, str]]:
    """Return (label, instructions) of the connection modes whose requirements are missing."""
    return [
        (str(WhatsAppConnection.Mode(mode).label), instructions)
        for mode, instructions in registry.unusable().items()
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def persona_choices() -> list[tuple[str, str]]:
    """Return choices of personas, the quiet one first."""
    keys = sorted(PERSONAS, key=lambda key: key != QUIET.key)
    return [(key, _BEHAVIOUR.get(key, key.capitalize())) for key in keys]


_BEHAVIOUR = {
    "quiet": "Quiet: writes only what you write for them",
    "greeter": "Friendly: says hello and answers briefly",
    "chatty": "Chatty: always has an answer",
    "asker": "Curious: asks about price and delivery",
    "sender": "Complains, with a picture",
    "late": "Reads late",
    "silent": "Never reads",
    "leaver": "Wants no more offers and writes STOP",
    "private": "Hides the number at first",
}
