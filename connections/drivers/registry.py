"""Registry of drivers. A new driver is an entry here and a folder beside this file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol
from uuid import UUID

from connections.drivers.base import Context, Driver


class Number(Protocol):
    """Attributes of a WhatsAppConnection that drivers use."""

    pk: UUID
    connection_mode: str
    session_data: str
    pairing_phone: str
    qr_count: int
    settings: Any


@dataclass(frozen=True)
class Entry:
    """Import paths (`module:name`) of one mode.

    driver: the Driver class. store: called with the connection's id. missing: returns which requirement this machine
    lacks, or "".
    """

    driver: str
    store: str = ""
    missing: str = ""


_ENTRIES = {
    "whatsapp-web": Entry(
        "connections.drivers.whatsapp_web.driver:WhatsAppWebDriver",
        "connections.driver_stores.whatsapp_web:LoginArchive",
        "connections.driver_stores.whatsapp_web:missing",
    ),
    "sandbox": Entry(
        "connections.drivers.sandbox.driver:SandboxDriver", "connections.driver_stores.sandbox:SandboxStore"
    ),
}


def modes() -> list[str]:
    """Return the modes whose requirements this machine meets."""
    return [mode for mode in _ENTRIES if not missing(mode)]


def unusable() -> dict[str, str]:
    """Return the other modes, each with instructions for people."""
    return {mode: instructions for mode in _ENTRIES if (instructions := missing(mode))}


def missing(mode: str) -> str:
    """Return which requirement of the mode this machine lacks, for people, or "". Raises LookupError."""
    entry = _entry(mode)
    instructions: str = _load(entry.missing)() if entry.missing else ""
    return instructions


def driver_class(mode: str) -> type[Driver]:
    """Return the driver class of a mode. Raises LookupError."""
    driver: type[Driver] = _load(_entry(mode).driver)
    return driver


def create(connection: Number, wake: Callable[[], None]) -> Driver:
    """Create the driver of a number, not opened. wake: callable from any thread."""
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


def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)
