"""People, files and messages: what the phones keep and what the page is told of it."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

OWN_NUMBER = "+4915110000001"
CUSTOMER = "+4915112345678"


class StandinError(Exception):
    """A test asked for something that cannot happen now, like scanning a QR code that nobody shows."""


@dataclass
class Person:
    """Somebody on WhatsApp. `told`: the page knows that the number and the LID are one person."""

    lid: str
    number: str = ""
    name: str = ""
    told: bool = True

    def wid(self, *, as_lid: bool) -> str:
        """How WhatsApp names their chat."""
        return f"{self.lid}@lid" if as_lid or not self.number else f"{self.number.removeprefix('+')}@c.us"

    def plain(self, *, as_lid: bool) -> dict[str, Any]:
        """What the page may know."""
        pair = (
            {"pn": self.wid(as_lid=False), "lid": self.wid(as_lid=True)} if self.told and self.number else {}
        )
        return {"wid": self.wid(as_lid=as_lid), "pushname": self.name, **pair}


@dataclass
class Media:
    """Bytes on WhatsApp's servers."""

    data: bytes
    mime: str
    name: str = ""
    media: str = field(default_factory=lambda: secrets.token_hex(12))

    def plain(self) -> dict[str, Any]:
        """What the page is told of it."""
        digest = hashlib.sha256(self.data).hexdigest()
        return {
            "id": self.media,
            "mime": self.mime,
            "name": self.name,
            "size": len(self.data),
            "hash": digest,
        }


@dataclass
class Message:
    """A message in the phone's own history."""

    wa_id: str
    chat: str
    from_me: bool
    kind: str = "chat"
    body: str = ""
    caption: str = ""
    at: float = field(default_factory=time.time)
    ack: int = 1
    name: str = ""
    quoted: str = ""
    media: Media | None = None
    delivered: bool = False
    heard: bool = True
    fields: dict[str, Any] = field(default_factory=dict)

    def plain(self, *, new: bool) -> dict[str, Any]:
        """As the page gets it."""
        return {
            "id": self.wa_id,
            "chat": self.chat,
            "fromMe": self.from_me,
            "type": self.kind,
            "body": self.body,
            "caption": self.caption,
            "t": int(self.at),
            "ack": self.ack,
            "notifyName": self.name,
            "quoted": self.quoted,
            "media": self.media.plain() if self.media else None,
            "isNew": new,
            "fields": self.fields,
        }


@dataclass(frozen=True)
class Sent:
    """A message of ours as it arrived. `to`: E.164, or the LID if that is all there is. kind: WhatsApp's word."""

    wa_id: str
    to: str
    kind: str
    body: str = ""
    caption: str = ""
    quoted: str = ""
    media: bytes = b""
    mime: str = ""
    name: str = ""
    at: float = 0.0

    @property
    def text(self) -> str:
        """The words: the body, or the caption of a file."""
        return self.caption if self.media else self.body


def new_id() -> str:
    """A bare message id as phones make them."""
    return f"3A{secrets.token_hex(9).upper()}"
