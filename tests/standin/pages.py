"""Open pages: what the server tells each of them, in order, and the QR code that it shows."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.standin.world import Phone

Event = dict[str, Any]


@dataclass
class Page:
    """One load of the site in one browser."""

    name: str = field(default_factory=lambda: secrets.token_hex(8))
    phone: Phone | None = None
    synced: bool = False
    closed: bool = False
    offline: bool = False
    ref: str = ""
    qr: str = ""
    refs: int = 0
    ref_until: float = 0.0
    code: str = ""
    code_phone: str = ""
    events: list[Event] = field(default_factory=list)
    bell: threading.Condition = field(default_factory=threading.Condition)

    def tell(self, kind: str, **content: Any) -> None:
        """Say it to the page; it arrives in order, also after a break of the line."""
        with self.bell:
            self.events.append({"kind": kind, **content})
            self.bell.notify_all()

    def after(self, seen: int, seconds: float) -> list[Event]:
        """Events from number `seen` on, waiting up to `seconds` for the first."""
        with self.bell:
            if len(self.events) <= seen and not self.closed:
                self.bell.wait(seconds)
            return self.events[seen:]

    def close(self) -> None:
        """The browser let go of it."""
        with self.bell:
            self.closed = True
            self.bell.notify_all()

    def show(self, seconds: float) -> None:
        """A fresh QR code, good for `seconds`."""
        self.refs += 1
        self.ref = f"2@{secrets.token_urlsafe(48)}"
        self.ref_until = time.monotonic() + seconds
        self.tell("ref", ref=self.ref)

    def idle(self) -> None:
        """Nobody scanned: the code goes, until a person asks for another."""
        self.ref = self.qr = ""
        self.tell("ref", ref=None)

    def tick(self, seconds: float, limit: int) -> None:
        """Replace a QR code that has run out, `limit` times."""
        if self.phone is None and self.ref and time.monotonic() >= self.ref_until:
            if self.refs < limit:
                self.show(seconds)
            else:
                self.idle()
