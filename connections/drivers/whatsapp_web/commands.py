"""Sending, fetching and asking: commands to the page, and what their failures mean."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog

from connections.drivers.base import (
    LATER,
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
HISTORY_SECONDS = 20.0
"""Reading chats holds up what goes in and out for so long; the rest of them have to wait for the next time."""
CHAT_SECONDS = 20.0
"""How long one chat may take. The page gives up earlier; if it does not, it hangs."""
LATE = timedelta(hours=1)
"""A message that is found so long after it was written is not told as new."""
_FOR_GOOD = {
    "not_on_whatsapp": "This number is not on WhatsApp.",
    "file_too_large": "WhatsApp does not take a file of this size.",
}
"""What WhatsApp itself has answered. Every other code of the page may be a question that failed, and is asked again."""
_NO_MEDIA = "message_not_contains_media"


class Post:
    """ask: Browser.call."""

    def __init__(self, ask: Callable[..., Any], options: Options) -> None:
        self._ask = ask
        self._options = options
        self._exists: dict[str, tuple[bool, float]] = {}
        self._hard: set[str] = set()
        """Chats that could not be read when they were tried last."""

    def send(self, message: OutgoingMessage, *, fresh: bool = False) -> Sent:
        """Hand it over, unless it is there already. fresh: it cannot be there, so it is not looked for.

        Raises Transient and Permanent when it surely has not left, SessionLost when nobody knows.
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

    def history(self, since: datetime, chats: Collection[str] = ()) -> History:
        """Read the recent chats one after the other, those last that failed before: one of them blinds no other.

        Both directions, oldest first, and what writers did to their messages since.
        """
        names = list(chats) or sorted(self._recent(since), key=self._hard.__contains__)
        events: list[Event] = []
        unread: dict[str, str] = {}
        deadline = monotonic() + HISTORY_SECONDS
        for at, name in enumerate(names):
            if monotonic() > deadline:
                return _history(events, dict.fromkeys(names[at:], LATER) | unread)
            self._hard.add(name)
            try:
                events += self._chat(name, since, unread)
                self._hard.discard(name)
            except NoAnswer:
                return _history(events, dict.fromkeys([*names[at + 1 :], name], "no_answer") | unread)
            except Refused as error:
                unread[name] = error.code
        return _history(events, unread)

    def _recent(self, since: datetime) -> list[str]:
        """The chats in which something was written since then, as the page names them."""
        told = self._get("recent", since=int(since.timestamp()), chats=self._options.history_chats)
        if told["left"]:
            log.warning("history_cut", chats_left=int(told["left"]))
        return [str(name) for name in told["chats"]]

    def _chat(self, name: str, since: datetime, unread: dict[str, str]) -> list[Event]:
        """One chat's messages. Notes it as unread if the page cannot read some of them. Raises Refused and NoAnswer."""
        told = self._ask(
            "history",
            timeout=CHAT_SECONDS,
            chat=name,
            since=int(since.timestamp()),
            count=self._options.history_messages,
        )
        if told["cut"]:
            log.warning("history_cut", messages=self._options.history_messages)
        if told["broken"]:
            unread[name] = "unreadable"
        late = datetime.now(UTC) - LATE
        return [event for one in told["messages"] for event in translate.history_of(one, late=late)]

    def download(self, ref: MediaRef) -> MediaBlob:
        """Fetch, slice by slice. Raises Transient or Permanent("media_gone", "file_too_large")."""
        try:
            found = self._ask("fetch", timeout=self._options.media_timeout, key=str(ref.token.get("key", "")))
            if int(found["size"]) > self._options.file_limit:  # the sender can have claimed less
                self._ask("drop", handle=found["handle"])
                raise Permanent("file_too_large", "The file is too large to be kept.")
            data = self._take(found)
        except Refused as error:
            if error.code == _NO_MEDIA:
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


def _history(events: list[Event], unread: dict[str, str]) -> History:
    """What was read, of all chats together oldest first; what was done to a message stays behind it."""
    if unread:
        codes = sorted(set(unread.values()))
        log.warning("chats_not_read", chats=len(unread), codes=codes)
    unreadable = [event for event in events if isinstance(event, Unreadable)]
    groups: list[tuple[datetime, list[Event]]] = []
    for event in events:
        if isinstance(event, InboundMessage):
            groups.append((event.at, [event]))
        elif not isinstance(event, Unreadable):
            groups[-1][1].append(event)
    groups.sort(key=lambda group: group[0])
    return History([*(event for _, group in groups for event in group), *unreadable], unread)


def _refusal(code: str) -> Transient | Permanent:
    return Permanent(code, _FOR_GOOD[code]) if code in _FOR_GOOD else Transient(code)


def _sent(answer: dict[str, Any] | None) -> Sent:
    """What became of it. Without an answer it is in the page's hands: receipts will tell."""
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
