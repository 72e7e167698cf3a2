"""Live updates: from any thread of any process to the open pages of a business, in a few milliseconds.

`push` hands frames to the message bus and returns. Each process that serves sockets subscribes once; its `hub` sends
the one encoded text to the sockets of the group. A lost frame costs nothing: pages refetch on reconnecting.

A frame is a dictionary with a "type". `{"type": "close", "user": id, "code": …}` is for the server itself: it closes
that user's sockets in the group with this code (`NOT_A_MEMBER` if none is given) and goes to no browser.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import orjson
import structlog

from core.realtime import bus

log = structlog.get_logger(__name__)

CHANNEL = "live"

TOO_SLOW = 4408
"""Close code of a socket that did not read fast enough. It reconnects and its page refetches."""
NOT_A_MEMBER = 4403
"""Close code of a socket whose user no longer belongs to the business."""
TRY_AGAIN = 1013
"""Close code (RFC 6455 registry) of a socket that may have missed frames, could not be served just now, or has to
authenticate again: the page connects anew."""

QUEUE_LIMIT = 256
"""Texts that may wait for one socket."""
JOIN_SECONDS = 5.0


def business_group(business_id: UUID | str) -> str:
    """Return the group of all open pages of a business."""
    return f"business.{UUID(str(business_id)).hex}"


# -- sending -----------------------------------------------------------------------------------------------------------


def push(group: str, *frames: dict[str, Any]) -> None:
    """Send `frames` to every open page of `group`. Any thread, after the commit; never blocks, never raises."""
    if not frames:
        return
    try:
        bus.publish(CHANNEL, _encode(group, frames))
    except Exception:
        log.exception("live_push_failed", group=group)


def _encode(group: str, frames: tuple[dict[str, Any], ...]) -> bytes:
    shown = [frame for frame in frames if frame["type"] != "close"]
    return orjson.dumps(
        {
            "group": group,
            "text": orjson.dumps({"frames": shown}).decode() if shown else "",
            "close": [
                [str(frame["user"]), frame.get("code", NOT_A_MEMBER)]
                for frame in frames
                if frame["type"] == "close"
            ],
        }
    )


# -- receiving ---------------------------------------------------------------------------------------------------------


class Socket:
    """Server side of one browser's socket: a bounded queue and the task that writes it out.

    send(text) and close(code) are the socket's coroutines.
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
        """Drop what waits: the browser has gone."""
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


class _LoopSockets:
    """The sockets of one event loop, by group. All methods run in that loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.groups: dict[str, set[Socket]] = {}
        self.connected = asyncio.Event()

    def deliver(self, message: dict[str, Any]) -> None:
        """Send a decoded message to the sockets of its group."""
        sockets = self.groups.get(message["group"], ())
        if message["text"]:
            for socket in tuple(sockets):
                socket.offer(message["text"])
        for user_id, code in message["close"]:
            for socket in [socket for socket in sockets if socket.user_id == user_id]:
                socket.end(code)

    def end_all(self) -> None:
        """Have all pages reconnect and refetch."""
        for sockets in self.groups.values():
            for socket in tuple(sockets):
                socket.end(TRY_AGAIN)


class Hub:
    """All sockets of a process: in production those of one event loop, in tests of several."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loops: dict[asyncio.AbstractEventLoop, _LoopSockets] = {}
        self._connected = False
        self._subscribed_before = False

    # -- from the event loops --

    async def join(self, group: str, socket: Socket) -> None:
        """Add `socket` to `group`; when this returns it receives every frame.

        Raises TimeoutError when the bus cannot be reached: close the socket with `TRY_AGAIN`.
        """
        sockets = self._loop_sockets()
        sockets.groups.setdefault(group, set()).add(socket)
        bus.subscribe(CHANNEL, self)
        try:
            await asyncio.wait_for(sockets.connected.wait(), JOIN_SECONDS)
        except BaseException:
            self.leave(group, socket)
            raise

    def leave(self, group: str, socket: Socket) -> None:
        """Stop `socket` and remove it from `group`."""
        socket.stop()
        loop = asyncio.get_running_loop()
        loop_sockets = self._loops.get(loop)
        if loop_sockets is None:
            return
        sockets = loop_sockets.groups.get(group, set())
        sockets.discard(socket)
        if not sockets:
            loop_sockets.groups.pop(group, None)
        if not loop_sockets.groups:
            with self._lock:
                self._loops.pop(loop, None)

    def count(self, group: str, of: UUID | str = "") -> int:
        """Sockets of `group` in this process; with `of`, those of one user."""
        loop_sockets = self._loops.get(asyncio.get_running_loop())
        sockets = loop_sockets.groups.get(group, set()) if loop_sockets else set()
        return sum(socket.user_id == str(of) for socket in sockets) if of else len(sockets)

    def _loop_sockets(self) -> _LoopSockets:
        loop = asyncio.get_running_loop()
        with self._lock:
            sockets = self._loops.get(loop)
            if sockets is None:
                sockets = self._loops[loop] = _LoopSockets(loop)
                if self._connected:
                    sockets.connected.set()
        return sockets

    # -- from the bus, in its thread --

    def on_connect(self) -> None:
        """Let sockets join. After an interruption the open ones are closed, so that their pages refetch."""
        with self._lock:
            self._connected = True
        self._call_in_loops(lambda sockets: sockets.connected.set())
        if self._subscribed_before:
            self._call_in_loops(lambda sockets: sockets.end_all())
        self._subscribed_before = True

    def on_disconnect(self) -> None:
        """Let no socket join."""
        with self._lock:
            self._connected = False
        self._call_in_loops(lambda sockets: sockets.connected.clear())

    def receive(self, payload: bytes) -> None:
        """Deliver one published message."""
        message = orjson.loads(payload)
        self._call_in_loops(lambda sockets: sockets.deliver(message))

    def _call_in_loops(self, call: Callable[[_LoopSockets], None]) -> None:
        with self._lock:
            all_loops = tuple(self._loops.values())
        for sockets in all_loops:
            try:
                sockets.loop.call_soon_threadsafe(call, sockets)
            except RuntimeError:  # the loop was closed before its sockets had left
                with self._lock:
                    self._loops.pop(sockets.loop, None)


hub = Hub()
