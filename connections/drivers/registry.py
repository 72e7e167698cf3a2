"""Which drivers this installation has. A new one is one more line here and a folder beside this file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol
from uuid import UUID

from connections.drivers.base import Context, Driver


class Number(Protocol):
    """What a driver needs to know of the number that it is to drive (a WhatsAppConnection)."""

    pk: UUID
    connection_mode: str
    session_data: str
    pairing_phone: str
    qr_count: int
    settings: Any


@dataclass(frozen=True)
class Entry:
    """Places are module:name. driver: its class. store: called with the connection's id.

    missing: tells what keeps it from being used on this machine, "" when nothing does.
    """

    driver: str
    store: str = ""
    missing: str = ""


_ENTRIES = {
    "whatsapp-web": Entry(
        "connections.drivers.whatsapp_web.driver:WhatsAppWebDriver",
        "connections.session_vault:SessionVault",
        "connections.session_vault:missing",
    ),
    "sandbox": Entry(
        "connections.drivers.sandbox.driver:SandboxDriver", "connections.sandbox_store:OrmStore"
    ),
}


def modes() -> list[str]:
    """The modes that can be used here."""
    return [mode for mode in _ENTRIES if not missing(mode)]


def unusable() -> dict[str, str]:
    """The modes that cannot be used here, each with what to do about it."""
    return {mode: words for mode in _ENTRIES if (words := missing(mode))}


def missing(mode: str) -> str:
    """What keeps this mode from being used on this machine, for people; "" when nothing does. Raises LookupError."""
    entry = _entry(mode)
    words: str = _load(entry.missing)() if entry.missing else ""
    return words


def driver_class(mode: str) -> type[Driver]:
    """The driver of a mode, for its capabilities. Raises LookupError."""
    driver: type[Driver] = _load(_entry(mode).driver)
    return driver


def create(connection: Number, wake: Callable[[], None]) -> Driver:
    """A driver for this number, not opened yet. `wake` may be called from any thread."""
    entry = _entry(connection.connection_mode)
    context = Context(
        connection_id=connection.pk,
        session=connection.session_data,
        wake=wake,
        store=_load(entry.store)(connection.pk) if entry.store else None,
        pairing_phone=connection.pairing_phone,
        settings={**connection.settings, "qr_shown": connection.qr_count},
    )
    return driver_class(connection.connection_mode)(context)


def _entry(mode: str) -> Entry:
    try:
        return _ENTRIES[mode]
    except KeyError:
        raise LookupError(f"There is no driver for {mode}") from None


def _load(place: str) -> Any:
    module, name = place.split(":")
    return getattr(import_module(module), name)
