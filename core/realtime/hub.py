"""Live updates: from any thread of any process to the open pages of a business, in a few milliseconds.

`push` hands frames to the channel layer and returns. In each process that serves sockets the `hub` has one subscription
a group and loops the one encoded text over its sockets. A lost frame costs nothing: pages refetch on reconnecting.

A frame is a dictionary with a "type". `{"type": "close", "user": id, "code": …}` is for the server itself: it closes
that user's sockets in the group with this code (`NOT_A_MEMBER` if none is given) and goes to no browser.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import orjson
import structlog
from channels.layers import get_channel_layer
from django.conf import settings

from core.realtime.inprocess_layer import InProcessChannelLayer
from core.realtime.redis_publisher import courier

log = structlog.get_logger(__name__)

TOO_SLOW = 4408
"""Close code of a socket that did not read fast enough. It reconnects and its page refetches."""
NOT_A_MEMBER = 4403
"""Close code of a socket whose user no longer belongs to the business."""
TRY_AGAIN = 1013
"""Close code (RFC 6455 registry) of a socket that may have missed frames, could not be served just now, or has to
prove again whose it is: the page connects anew."""

QUEUE_LIMIT = 256
"""Texts that may wait for one socket."""
JOIN_SECONDS = 5.0
RESUBSCRIBE_SECONDS = 1.0


def business_group(business_id: UUID | str) -> str:
    """The group of everybody who looks at a business."""
    return f"business.{UUID(str(business_id)).hex}"


# -- sending -----------------------------------------------------------------------------------------------------------


def push(group: str, *frames: dict[str, Any]) -> None:
    """Send `frames` to every open page of `group`. Any thread, after the commit; never blocks, never raises."""
    if not frames:
        return
    try:
        _send(group, _message(frames))
    except Exception:
        log.exception("live_push_failed", group=group)


def _message(frames: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    shown = [frame for frame in frames if frame["type"] != "close"]
    return {
        "type": "live.frames",
        "text": orjson.dumps({"frames": shown}).decode() if shown else "",
        "close": [
            [str(frame["user"]), frame.get("code", NOT_A_MEMBER)]
            for frame in frames
            if frame["type"] == "close"
        ],
    }


def _send(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if isinstance(layer, InProcessChannelLayer):
        layer.group_send_sync(group, message)
    else:  # channels_redis publishes serialised messages on this name
        courier().publish(f"{settings.REDIS_PREFIX}__group__{group}", layer.serialize(message))


# -- receiving ---------------------------------------------------------------------------------------------------------


class Socket:
    """One browser's end: a bounded queue and a task that writes it out.

    send(text) and close(code) are the socket's coroutines; user_id says whose it is.
    """

    def __init__(
        self,
        user_id: UUID | str,
        send: Callable[[str], Awaitable[Any]],
        close: Callable[[int], Awaitable[Any]],
        *,
        limit: int = QUEUE_LIMIT,
    ) -> None:
        self.user_id = str(user_id)
        self._send = send
        self._close = close
        self._limit = limit
        self._waiting: deque[str] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._ended = False

    def offer(self, text: str) -> None:
        """Queue `text`; a socket that has too much waiting is closed instead."""
        if self._ended:
            return
        if len(self._waiting) >= self._limit:
            self.end(TOO_SLOW)
            return
        self._waiting.append(text)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())

    def end(self, code: int) -> None:
        """Close with `code` and write nothing more."""
        if self._ended:
            return
        self._ended = True
        self._waiting.clear()
        if self._writer is not None:
            self._writer.cancel()
        self._writer = asyncio.create_task(self._finish(code))

    def stop(self) -> None:
        """The browser has gone: drop what waits."""
        self._ended = True
        self._waiting.clear()
        if self._writer is not None:
            self._writer.cancel()
            self._writer = None

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self._send(self._waiting.popleft())
        except Exception as error:  # the browser went away in the middle of a write
            log.debug("live_socket_lost", reason=type(error).__name__)
            self._ended = True
        finally:
            if not self._ended:
                self._writer = None

    async def _finish(self, code: int) -> None:
        with contextlib.suppress(Exception):
            await self._close(code)


class _Room:
    """One group in one process: its subscription and its sockets."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.sockets: set[Socket] = set()
        self.ready = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Subscribe and fan out; when the subscription breaks, subscribe again and let the pages refetch."""
        while True:
            try:
                await self._subscribed()
            except Exception as error:
                log.warning("live_subscription_lost", group=self.group, reason=type(error).__name__)
            if self.ready.is_set():
                self.ready.clear()
                self._end_all()
            await asyncio.sleep(RESUBSCRIBE_SECONDS)

    async def _subscribed(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(self.group, channel)
        self.ready.set()
        try:
            while True:
                self._fan_out(await layer.receive(channel))
        finally:
            with contextlib.suppress(Exception):
                await layer.group_discard(self.group, channel)

    def _fan_out(self, message: dict[str, Any]) -> None:
        if message["type"] == "live.lost":
            self._end_all()
            return
        text = message["text"]
        if text:
            for socket in tuple(self.sockets):
                socket.offer(text)
        for user_id, code in message["close"]:
            for socket in [one for one in self.sockets if one.user_id == user_id]:
                socket.end(code)

    def _end_all(self) -> None:
        for socket in tuple(self.sockets):
            socket.end(TRY_AGAIN)


class Hub:
    """All rooms of a process (of one event loop, to be exact: tests have several)."""

    def __init__(self) -> None:
        self._rooms: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Room]] = (
            weakref.WeakKeyDictionary()
        )

    async def join(self, group: str, socket: Socket) -> None:
        """From when this returns `socket` gets every frame of `group`.

        Raises TimeoutError when the layer cannot be reached: close the socket with `TRY_AGAIN`.
        """
        rooms = self._here()
        room = rooms.get(group)
        if room is None:
            room = rooms[group] = _Room(group)
        room.sockets.add(socket)
        try:
            await asyncio.wait_for(room.ready.wait(), JOIN_SECONDS)
        except BaseException:
            self.leave(group, socket)
            raise

    def leave(self, group: str, socket: Socket) -> None:
        """`socket` gets nothing more; the last one to leave ends the subscription."""
        socket.stop()
        rooms = self._here()
        room = rooms.get(group)
        if room is None or socket not in room.sockets:
            return
        room.sockets.discard(socket)
        if not room.sockets:
            del rooms[group]
            room.task.cancel()

    def count(self, group: str, of: UUID | str = "") -> int:
        """Sockets of `group` in this process; with `of`, those of one user."""
        room = self._here().get(group)
        if room is None:
            return 0
        return sum(one.user_id == str(of) for one in room.sockets) if of else len(room.sockets)

    def _here(self) -> dict[str, _Room]:
        return self._rooms.setdefault(asyncio.get_running_loop(), {})


hub = Hub()
