"""How numbers look: colours, icons, words and the QR code on show."""

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
from connections import selectors
from connections.drivers import registry
from connections.drivers.base import AckLevel
from connections.drivers.sandbox.personas import PERSONAS, QUIET
from connections.models import SandboxCustomer, SandboxMessage, WhatsAppConnection
from connections.ports import Traffic, traffic_of
from connections.selectors import Explanation
from core.errors import NotFound
from core.web import qr

Status = WhatsAppConnection.Status
Desired = WhatsAppConnection.Desired
Reason = WhatsAppConnection.Reason

CODES_SHOWN = 5
"""QR codes shown before it ends and a person has to ask again."""
POLL_BUSY_SECONDS = 5
POLL_SETTLED_SECONDS = 30


@dataclass(frozen=True)
class Look:
    """A state at a glance. Never by colour alone: the icon and the words say it too."""

    color: str
    icon: str


_LOOKS = {
    Status.CONNECTED: Look("green", "circle-check"),
    Status.DEGRADED: Look("yellow", "alert-triangle"),
    Status.QR_PENDING: Look("blue", "qrcode"),
    Status.STARTING: Look("blue", "loader-2"),
    Status.SYNCING: Look("blue", "refresh"),
    Status.DISCONNECTED: Look("secondary", "plug-x"),
}
_TROUBLE = Look("red", "alert-circle")
_ON_HOLD = Look("yellow", "alert-triangle")
_CALM_REASONS = {Reason.NONE, Reason.USER, Reason.QR_EXPIRED}


@dataclass(frozen=True)
class Card:
    """All that a page shows of one number."""

    connection: WhatsAppConnection
    look: Look
    explanation: Explanation
    traffic: Traffic
    pairing: bool
    """Whether this kind of number can be linked with a pairing code."""
    unstored: int = 0
    """How many of its events could not be stored."""

    @property
    def engine(self) -> Engine | None:
        return engine_of(self.connection)

    @property
    def limited_until(self) -> datetime | None:
        """Until when no new chats are started; None while nothing limits them."""
        until = self.connection.limited_until
        return until if until and until > timezone.now() else None

    @property
    def gap_text(self) -> str:
        """Why messages may still be missing; "" when nothing is."""
        return selectors.gap_text(self.connection)

    @property
    def logs_out_at(self) -> datetime | None:
        """When the login of a number that somebody has disconnected is given up; None while that is not to come."""
        return selectors.logs_out_at(self.connection)

    @property
    def settled(self) -> bool:
        """Whether the number is where the person wants it to be; if not, something will change soon."""
        online = self.connection.desired == Desired.ONLINE
        return self.connection.status == (Status.CONNECTED if online else Status.DISCONNECTED)

    @property
    def poll_seconds(self) -> int:
        """How often the page asks for the state by itself, should a live update get lost."""
        return POLL_SETTLED_SECONDS if self.settled else POLL_BUSY_SECONDS

    @property
    def connect_label(self) -> str:
        """What the button that starts the number says."""
        return "Show a new code" if self.connection.status_reason == Reason.QR_EXPIRED else "Connect"

    @property
    def can_connect(self) -> bool:
        return self.connection.desired != Desired.ONLINE

    @property
    def may_pair(self) -> bool:
        """Whether a pairing code may be asked for now: nobody is linked, and no login waits to be used."""
        waits = self.connection.status in (Status.DISCONNECTED, Status.QR_PENDING)
        return self.pairing and waits and not self.connection.session_data

    @property
    def can_log_out(self) -> bool:
        """Whether there is a login that could be ended."""
        return bool(self.connection.session_data) and self.connection.desired != Desired.LOGGED_OUT


@dataclass(frozen=True)
class Engine:
    """What drives a number, and how its login is kept. cpu: percent of one processor. note: what is wrong with that."""

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
    """What the last session of a number told of itself; None when it told nothing. What it takes only while it runs."""
    told = connection.vitals
    if not told.get("engine"):
        return None
    archived_at = _moment(told.get("archived_at"))
    note = _ARCHIVE_NOTES.get(told.get("archive_problem", ""), "")
    if not note and archived_at and timezone.now() - archived_at > STALE_ARCHIVE:
        note = _STALE_NOTE
    runs = connection.is_connected
    return Engine(
        name=told["engine"],
        started_at=_moment(told.get("started_at")) if runs else None,
        memory=told.get("memory") if runs else None,
        cpu=told.get("cpu") if runs else None,
        archived_at=archived_at,
        note=note if connection.session_data else "",
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True)
class Code:
    """The QR code that may be scanned now. version: changes with the code and tells nothing about it."""

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


def look_of(connection: WhatsAppConnection) -> Look:
    """A resting number is grey, one that stopped by itself is red."""
    if connection.status == Status.DISCONNECTED and connection.status_reason not in _CALM_REASONS:
        return _TROUBLE
    if connection.held_since and connection.is_connected:
        return _ON_HOLD
    return _LOOKS[Status(connection.status)]


def cards(business: BusinessProfile, connections: Iterable[WhatsAppConnection]) -> list[Card]:
    """The numbers with their traffic, which is counted for all of them at once."""
    shown = list(connections)
    traffic = traffic_of(business, [connection.pk for connection in shown])
    unstored = selectors.unstored_counts(business)
    return [
        Card(
            connection=connection,
            look=look_of(connection),
            explanation=selectors.reason_text(connection),
            traffic=traffic[connection.pk],
            pairing=_can_pair(connection.connection_mode),
            unstored=unstored.get(connection.pk, 0),
        )
        for connection in shown
    ]


def _can_pair(mode: str) -> bool:
    """A number whose driver is not installed here is shown all the same."""
    return mode in registry.modes() and registry.driver_class(mode).capabilities.pairing_code


def code_on_show(connection: WhatsAppConnection) -> Code | None:
    """The QR code that a person may scan now; None while there is none or it has run out."""
    left = selectors.qr_seconds_left(connection)
    if connection.status != Status.QR_PENDING or left <= 0:
        return None
    return Code(connection.qr_code, _digest(connection.qr_code), left, connection.qr_count)


def pairing_code_on_show(connection: WhatsAppConnection) -> str:
    """The code that is to be typed on the phone, while it is waited for."""
    return connection.pairing_code if connection.status == Status.QR_PENDING else ""


def is_wanted(connection: WhatsAppConnection) -> bool:
    """Whether the number is driven, or will be: it has to be disconnected before it can be deleted."""
    return connection.desired != Desired.OFFLINE


def version_of(shown: Iterable[Card]) -> str:
    """Changes when anything that the cards show does; times of life count by the minute."""
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
        for card in shown
    ]
    return _digest(repr(parts))


def _minute(moment: datetime | None) -> str:
    return moment.isoformat(timespec="minutes") if moment else ""


# -- the simulated phone -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bubble:
    """One message as a simulated customer sees it, with the message that it quotes."""

    message: SandboxMessage
    quoted: SandboxMessage | None
    new_day: bool

    @property
    def is_picture(self) -> bool:
        return is_picture(self.message)

    @property
    def was_read(self) -> bool:
        """Whether the business has read what the customer wrote."""
        return not self.message.from_me and self.message.ack >= AckLevel.READ


@dataclass(frozen=True)
class Transcript:
    """A customer's chat. typing: the business is writing. version: changes when the chat does."""

    bubbles: list[Bubble]
    typing: bool
    version: str


PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
"""Types that a browser may show in place; everything else is a download."""


def is_picture(message: SandboxMessage) -> bool:
    """Whether a browser may show the message's file in place."""
    return bool(message.media_key) and message.media_mime in PICTURES


def file_of(message: SandboxMessage) -> IO[bytes]:
    """The bytes of the message's file. Raises NotFound."""
    try:
        return default_storage.open(message.media_key) if message.media_key else _gone()
    except FileNotFoundError:
        return _gone()


def _gone() -> NoReturn:
    raise NotFound("This file")


def transcript(customer: SandboxCustomer) -> Transcript:
    """The customer's chat, oldest first."""
    messages = selectors.sandbox_transcript(customer)
    by_id = {message.wa_id: message for message in messages}
    bubbles = []
    day = None
    for message in messages:
        its_day = timezone.localtime(message.created_at).date()
        bubbles.append(Bubble(message, by_id.get(message.quoted_wa_id), its_day != day))
        day = its_day
    until = customer.sees_typing_until
    typing = until is not None and until > timezone.now()
    parts = [(message.wa_id, message.ack, message.body) for message in messages]
    return Transcript(bubbles, typing, _digest(repr((parts, typing))))


def mode_choices() -> list[tuple[str, str]]:
    """The ways of connecting that this installation has drivers for."""
    return [(str(mode), str(WhatsAppConnection.Mode(mode).label)) for mode in registry.modes()]


def unusable_modes() -> list[tuple[str, str]]:
    """The ways of connecting that this machine lacks something for: their names and what to do about it."""
    return [(str(WhatsAppConnection.Mode(mode).label), words) for mode, words in registry.unusable().items()]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def persona_choices() -> list[tuple[str, str]]:
    """How a simulated customer may behave, the quiet one first: they leave the writing to a person."""
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
