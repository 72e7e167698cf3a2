"""Sending, fetching and asking: commands to the page, and what their failures mean."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog

from connections.drivers.base import (
    Ack,
    AckLevel,
    Chat,
    Event,
    Limited,
    MediaBlob,
    MediaRef,
    OutgoingMessage,
    Permanent,
    Sent,
    SessionLost,
    Transient,
)
from connections.drivers.whatsapp_web import translate
from connections.drivers.whatsapp_web.errors import NoAnswer, Refused
from connections.drivers.whatsapp_web.options import Options

log = structlog.get_logger(__name__)

CHUNK = 3 * 1024 * 1024
"""Bytes that go over at once; a multiple of three, so that base64 needs no padding in between."""
PATIENCE_MS = 4000
MAX_BODY = 65_536
MAX_PICTURE = 5 * 1024 * 1024
EXISTS_SECONDS = 3600.0
"""Whether a number is on WhatsApp is believed for so long."""
_FOR_GOOD = {
    "not_on_whatsapp": "This number is not on WhatsApp.",
    "invalid_wid": "This is not a WhatsApp number.",
    "file_too_large": "WhatsApp does not take a file of this size.",
}
_GONE = frozenset(
    {"message_not_found", "msg_not_found", "media_expired", "message_not_contains_media", "gone"}
)


class Post:
    """ask: Browser.call."""

    def __init__(self, ask: Callable[..., Any], options: Options) -> None:
        self._ask = ask
        self._options = options
        self._exists: dict[str, tuple[bool, float]] = {}

    def send(self, message: OutgoingMessage) -> Sent:
        """Hand it over, unless it is there already. Raises Transient and Permanent when it surely has not left,
        SessionLost when nobody knows."""
        if len(message.body) > MAX_BODY:
            raise Permanent("too_long", "WhatsApp takes at most 65,536 characters.")
        media = self._upload(message.media) if message.media else None
        args = {
            "id": message.wa_id,
            "chat": translate.chat_args(message.chat),
            "kind": str(message.kind),
            "body": message.body,
            "quoted": message.quoted_wa_id,
            "media": media,
            "patience": PATIENCE_MS,
        }
        timeout = self._options.media_timeout if media else self._options.call_timeout
        try:
            answer = self._ask("send", timeout=timeout, **args)
        except Refused as error:
            raise _refusal(error.code) from error
        except NoAnswer as error:
            raise SessionLost("no_answer", "The page did not say whether it has sent the message.") from error
        finally:
            self._drop(media)
        return _sent(answer)

    def lookup(self, chat: Chat, wa_id: str) -> Ack | None:
        """Its receipt, or None."""
        found = self._get("lookup", chat=translate.chat_args(chat), id=wa_id)
        return translate.ack_of(found) if found else None

    def exists(self, phone: str) -> bool:
        """Whether the number is on WhatsApp, or was when somebody asked within the hour."""
        now = monotonic()
        self._exists = {key: value for key, value in self._exists.items() if now < value[1]}
        if phone not in self._exists:
            found = bool(self._get("exists", phone=translate.digits(phone)))
            self._exists[phone] = (found, now + EXISTS_SECONDS)
        return self._exists[phone][0]

    def read(self, chat: Chat) -> None:
        """Tell the customer that everything was read."""
        self._get("read", chat=translate.chat_args(chat))

    def typing(self, chat: Chat, active: bool) -> None:
        """Show that somebody types, or has stopped."""
        self._get("typing", chat=translate.chat_args(chat), active=active)

    def picture(self, chat: Chat) -> MediaBlob | None:
        """Somebody's profile picture, or None."""
        found = self._get("picture", chat=translate.chat_args(chat))
        if not found or int(found["size"]) > MAX_PICTURE:
            return None
        try:
            return MediaBlob(self._take(found), str(found["mime"]))
        except (Refused, NoAnswer) as error:
            raise Transient("download_failed") from error

    def history(self, since: datetime) -> Sequence[Event]:
        """Both directions, oldest first, and what writers did to them since. What cannot be read is left out."""
        told = self._get(
            "history",
            timeout=self._options.media_timeout,
            since=int(since.timestamp()),
            chats=self._options.history_chats,
            count=self._options.history_messages,
        )
        events: list[Event] = []
        broken = int(told["broken"])
        for one in told["messages"]:
            try:
                events += translate.told_by(one, backfilled=True)
            except (KeyError, ValueError, TypeError, OverflowError):
                broken += 1
        if broken:
            log.error("history_not_understood", messages=broken)
        return events

    def download(self, ref: MediaRef) -> MediaBlob:
        """Fetch, slice by slice. Raises Transient or Permanent("media_gone", "file_too_large")."""
        try:
            found = self._ask("fetch", timeout=self._options.media_timeout, key=str(ref.token.get("key", "")))
            if int(found["size"]) > self._options.file_limit:  # the sender can have claimed less
                self._ask("drop", handle=found["handle"])
                raise Permanent("file_too_large", "The file is too large to be kept.")
            data = self._take(found)
        except Refused as error:
            if error.code in _GONE:
                raise Permanent("media_gone", "WhatsApp no longer has this file.") from error
            raise Transient("download_failed") from error
        except NoAnswer as error:
            raise Transient("download_failed") from error
        return MediaBlob(data, ref.mime or str(found["mime"]), ref.name)

    def _take(self, found: dict[str, Any]) -> bytes:
        """The bytes that the page has fetched; it lets go of them then."""
        data = self._slices(found["handle"], int(found["size"]))
        self._ask("drop", handle=found["handle"])
        return data

    def _slices(self, handle: str, size: int) -> bytes:
        parts = [
            base64.b64decode(self._ask("slice", handle=handle, start=start, end=min(size, start + CHUNK)))
            for start in range(0, size, CHUNK)
        ]
        return b"".join(parts)

    def _upload(self, media: MediaBlob) -> dict[str, str]:
        handle = uuid4().hex
        try:
            for start in range(0, max(1, len(media.data)), CHUNK):
                part = base64.b64encode(media.data[start : start + CHUNK]).decode()
                self._ask("upload", upload=handle, data=part)
        except (Refused, NoAnswer) as error:
            raise Transient("upload_failed") from error
        return {"upload": handle, "name": media.name or "file", "mime": media.mime}

    def _drop(self, media: dict[str, str] | None) -> None:
        if media:
            try:
                self._ask("drop", handle=media["upload"])
            except (Refused, NoAnswer, SessionLost):
                return

    def _get(self, name: str, timeout: float | None = None, **args: Any) -> Any:
        """Ask for something that changes nothing if it is asked for again."""
        try:
            return self._ask(name, timeout=timeout, **args)
        except Refused as error:
            raise _refusal(error.code) from error
        except NoAnswer as error:
            raise Transient("no_answer") from error


def _refusal(code: str) -> Transient | Permanent:
    return Permanent(code, _FOR_GOOD[code]) if code in _FOR_GOOD else Transient(code)


def _sent(answer: dict[str, Any] | None) -> Sent:
    """What became of it. Without an answer it is in the page's hands: receipts will tell."""
    if answer is None:
        return Sent(datetime.now(UTC), AckLevel.PENDING)
    ack = translate.ack_of(answer)
    if answer.get("limited"):
        raise Limited
    if ack.level == AckLevel.FAILED:
        raise Permanent("refused", "WhatsApp refused this message.")
    return Sent(ack.at, ack.level)
