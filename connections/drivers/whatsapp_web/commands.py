"""Commands to the page (send, download, look up) and the mapping of their errors to the driver contract."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog

from connections.drivers.base import (
    POSTPONED,
    Ack,
    AckLevel,
    Chat,
    Event,
    History,
    InboundMessage,
    Limited,
    MediaBlob,
    MediaRef,
    OutgoingMessage,
    Permanent,
    Sent,
    SessionLost,
    Transient,
    Unreadable,
)
from connections.drivers.whatsapp_web import translate
from connections.drivers.whatsapp_web.errors import NoAnswer, PageError
from connections.drivers.whatsapp_web.options import Options

log = structlog.get_logger(__name__)

CHUNK = 3 * 1024 * 1024
"""Bytes per transfer; a multiple of three, so that base64 needs no padding in between."""
PATIENCE_MS = 4000
MAX_BODY = 65_536
MAX_PICTURE = 5 * 1024 * 1024
EXISTS_SECONDS = 3600.0
"""Cache lifetime of the answer whether a number is on WhatsApp."""
HISTORY_SECONDS = 20.0
"""Time limit for reading chats, which blocks sending and receiving; the rest is read the next time."""
CHAT_SECONDS = 20.0
"""Time limit for one chat. The page gives up earlier unless it hangs."""
LATE = timedelta(hours=1)
"""Age from which a message found in the history counts as backfilled."""
_PERMANENT = {
    "not_on_whatsapp": "This number is not on WhatsApp.",
    "file_too_large": "WhatsApp does not take a file of this size.",
}
"""Refusals by WhatsApp itself. Every other code may be a failed query and is retried."""
_NO_MEDIA = "message_not_contains_media"


class PageCommands:
    """Commands of one session. call: Browser.call. Raise Transient, Permanent or SessionLost."""

    def __init__(self, call: Callable[..., Any], options: Options) -> None:
        self._call = call
        self._options = options
        self._exists: dict[str, tuple[bool, float]] = {}
        self._failed_chats: set[str] = set()
        """Chats whose last reading failed."""

    def send(self, message: OutgoingMessage, *, fresh: bool = False) -> Sent:
        """Send a message unless the chat has it already. fresh: skip that check because the id was never used.

        Raises Transient or Permanent if nothing was sent, SessionLost if that is unknown.
        """
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
            "fresh": fresh,
        }
        timeout = self._options.media_timeout if media else self._options.call_timeout
        try:
            answer = self._call("send", timeout=timeout, **args)
        except PageError as error:
            raise _refusal(error.code) from error
        except NoAnswer as error:
            raise SessionLost("no_answer", "The page did not say whether it has sent the message.") from error
        finally:
            self._drop(media)
        return _sent(answer)

    def lookup(self, chat: Chat, wa_id: str) -> Ack | None:
        """Return the receipt of an outbound message; None if the page does not find it."""
        receipt = self._query("lookup", chat=translate.chat_args(chat), id=wa_id)
        return translate.ack_of(receipt) if receipt else None

    def exists(self, phone: str) -> bool:
        """Return True if the number is on WhatsApp. Cached for EXISTS_SECONDS."""
        now = monotonic()
        self._exists = {key: value for key, value in self._exists.items() if now < value[1]}
        if phone not in self._exists:
            exists = bool(self._query("exists", phone=translate.digits(phone)))
            self._exists[phone] = (exists, now + EXISTS_SECONDS)
        return self._exists[phone][0]

    def read(self, chat: Chat) -> None:
        """Mark the whole chat as read."""
        self._query("read", chat=translate.chat_args(chat))

    def typing(self, chat: Chat, active: bool) -> None:
        """Set or clear the typing indicator."""
        self._query("typing", chat=translate.chat_args(chat), active=active)

    def profile_picture(self, chat: Chat) -> MediaBlob | None:
        """Return the profile picture; None if there is none or it exceeds MAX_PICTURE."""
        blob = self._query("picture", chat=translate.chat_args(chat))
        if not blob or int(blob["size"]) > MAX_PICTURE:
            return None
        try:
            return MediaBlob(self._take_blob(blob), str(blob["mime"]))
        except (PageError, NoAnswer) as error:
            raise Transient("download_failed") from error

    def history(self, since: datetime, chats: Collection[str] = ()) -> History:
        """Read recent chats one by one. Chats that failed before come last, so that they do not block the others.

        Returns both directions, oldest first, with the edits and deletions since.
        """
        names = list(chats) or sorted(self._recent(since), key=self._failed_chats.__contains__)
        events: list[Event] = []
        failed: dict[str, str] = {}
        deadline = monotonic() + HISTORY_SECONDS
        for index, name in enumerate(names):
            if monotonic() > deadline:
                return _history(events, dict.fromkeys(names[index:], POSTPONED) | failed)
            self._failed_chats.add(name)
            try:
                events += self._chat(name, since, failed)
                self._failed_chats.discard(name)
            except NoAnswer:
                return _history(events, dict.fromkeys([*names[index + 1 :], name], "no_answer") | failed)
            except PageError as error:
                failed[name] = error.code
        return _history(events, failed)

    def _recent(self, since: datetime) -> list[str]:
        """Return the page's names of chats with messages since then."""
        result = self._query("recent", since=int(since.timestamp()), chats=self._options.history_chats)
        if result["left"]:
            log.warning("history_cut", chats_left=int(result["left"]))
        return [str(name) for name in result["chats"]]

    def _chat(self, name: str, since: datetime, failed: dict[str, str]) -> list[Event]:
        """Read one chat. Adds it to `failed` if some messages are unreadable. Raises PageError and NoAnswer."""
        result = self._call(
            "history",
            timeout=CHAT_SECONDS,
            chat=name,
            since=int(since.timestamp()),
            count=self._options.history_messages,
        )
        if result["cut"]:
            log.warning("history_cut", messages=self._options.history_messages)
        if result["broken"]:
            failed[name] = "unreadable"
        late = datetime.now(UTC) - LATE
        return [event for data in result["messages"] for event in translate.history_events(data, late=late)]

    def download(self, ref: MediaRef) -> MediaBlob:
        """Download media in slices. Raises Transient or Permanent("media_gone", "file_too_large")."""
        try:
            blob = self._call("fetch", timeout=self._options.media_timeout, key=str(ref.token.get("key", "")))
            if int(blob["size"]) > self._options.file_limit:  # the sender may have declared a smaller size
                self._call("drop", handle=blob["handle"])
                raise Permanent("file_too_large", "The file is too large to be kept.")
            data = self._take_blob(blob)
        except PageError as error:
            if error.code == _NO_MEDIA:
                raise Permanent("media_gone", "WhatsApp no longer has this file.") from error
            raise Transient("download_failed") from error
        except NoAnswer as error:
            raise Transient("download_failed") from error
        return MediaBlob(data, ref.mime or str(blob["mime"]), ref.name)

    def _take_blob(self, blob: dict[str, Any]) -> bytes:
        """Transfer a blob from the page and release it there."""
        data = self._slices(blob["handle"], int(blob["size"]))
        self._call("drop", handle=blob["handle"])
        return data

    def _slices(self, handle: str, size: int) -> bytes:
        parts = [
            base64.b64decode(self._call("slice", handle=handle, start=start, end=min(size, start + CHUNK)))
            for start in range(0, size, CHUNK)
        ]
        return b"".join(parts)

    def _upload(self, media: MediaBlob) -> dict[str, str]:
        handle = uuid4().hex
        try:
            for start in range(0, max(1, len(media.data)), CHUNK):
                part = base64.b64encode(media.data[start : start + CHUNK]).decode()
                self._call("upload", upload=handle, data=part)
        except (PageError, NoAnswer) as error:
            raise Transient("upload_failed") from error
        return {"upload": handle, "name": media.name or "file", "mime": media.mime}

    def _drop(self, media: dict[str, str] | None) -> None:
        if media:
            try:
                self._call("drop", handle=media["upload"])
            except (PageError, NoAnswer, SessionLost):
                return

    def _query(self, name: str, timeout: float | None = None, **args: Any) -> Any:
        """Call an idempotent function of the page. Raises Transient or Permanent instead of page errors."""
        try:
            return self._call(name, timeout=timeout, **args)
        except PageError as error:
            raise _refusal(error.code) from error
        except NoAnswer as error:
            raise Transient("no_answer") from error


def _history(events: list[Event], failed: dict[str, str]) -> History:
    """Merge the chats, oldest message first; edits and deletions stay behind their message."""
    if failed:
        codes = sorted(set(failed.values()))
        log.warning("chats_not_read", chats=len(failed), codes=codes)
    unreadable = [event for event in events if isinstance(event, Unreadable)]
    groups: list[tuple[datetime, list[Event]]] = []
    for event in events:
        if isinstance(event, InboundMessage):
            groups.append((event.at, [event]))
        elif not isinstance(event, Unreadable):
            groups[-1][1].append(event)
    groups.sort(key=lambda group: group[0])
    return History([*(event for _, group in groups for event in group), *unreadable], failed)


def _refusal(code: str) -> Transient | Permanent:
    return Permanent(code, _PERMANENT[code]) if code in _PERMANENT else Transient(code)


def _sent(answer: dict[str, Any] | None) -> Sent:
    """Convert the result of a send. None: WhatsApp Web has the message queued, and receipts will follow."""
    if answer is None:
        return Sent(datetime.now(UTC), AckLevel.PENDING)
    ack = translate.ack_of(answer)
    if answer.get("limited"):
        raise Limited
    if answer.get("upload"):
        raise Transient("upload_failed", used_id=True)
    if ack.level == AckLevel.FAILED:
        raise Permanent("refused", "WhatsApp refused this message.")
    return Sent(ack.at, ack.level)
