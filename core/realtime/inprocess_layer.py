"""The channel layer of the embedded default: one process, any thread.

Channels' own in-memory layer does not wake a consumer from another thread. Here every channel remembers the event loop
that reads it, and what is sent hops there with `call_soon_threadsafe`.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import structlog
from channels.layers import BaseChannelLayer

log = structlog.get_logger(__name__)

Message = dict[str, Any]


class _Inbox:
    """What waits for one channel, and the loop in which somebody reads it."""

    __slots__ = ("loop", "queue")

    def __init__(self, capacity: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.queue: asyncio.Queue[Message] = asyncio.Queue(capacity)


class InProcessChannelLayer(BaseChannelLayer):
    """Groups and channels within one process. A full or unknown channel loses the message (and says so in the log)."""

    extensions = ["groups", "flush"]

    def __init__(
        self, expiry: int = 60, capacity: int = 10_000, channel_capacity: Any = None, **_: Any
    ) -> None:
        super().__init__(expiry=expiry, capacity=capacity, channel_capacity=channel_capacity)
        self._inboxes: dict[str, _Inbox] = {}
        self._groups: dict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()

    # -- channels ------------------------------------------------------------------------------------------------------

    async def new_channel(self, prefix: str = "specific.") -> str:
        """A name of its own for the caller, who must read it from the running loop."""
        channel = f"{prefix}inprocess!{uuid.uuid4().hex}"
        self._open(channel)
        return channel

    async def receive(self, channel: str) -> Message:
        """The next message of `channel`. A cancelled receive closes the channel, as with the Redis layer."""
        self.require_valid_channel_name(channel)
        inbox = self._inboxes.get(channel) or self._open(channel)
        try:
            return await inbox.queue.get()
        except (asyncio.CancelledError, GeneratorExit):
            self._close(channel)
            raise

    async def send(self, channel: str, message: Message) -> None:
        """Hand `message` to whoever reads `channel`."""
        self.require_valid_channel_name(channel)
        self._deliver([channel], message)

    def _open(self, channel: str) -> _Inbox:
        with self._lock:
            inbox = self._inboxes[channel] = _Inbox(self.get_capacity(channel))
        return inbox

    def _close(self, channel: str) -> None:
        with self._lock:
            self._inboxes.pop(channel, None)
            for group in [name for name, channels in self._groups.items() if channel in channels]:
                self._leave(group, channel)

    # -- groups --------------------------------------------------------------------------------------------------------

    async def group_add(self, group: str, channel: str) -> None:
        """From now on `channel` gets what is sent to `group`."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        with self._lock:
            self._groups[group].add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """`channel` gets nothing more from `group`."""
        with self._lock:
            self._leave(group, channel)

    async def group_send(self, group: str, message: Message) -> None:
        """Send to all channels of `group`."""
        self.group_send_sync(group, message)

    def group_send_sync(self, group: str, message: Message) -> None:
        """The same from any thread, with or without an event loop. Does not wait."""
        self.require_valid_group_name(group)
        with self._lock:
            channels = tuple(self._groups.get(group, ()))
        self._deliver(channels, message)

    async def flush(self) -> None:
        """Forget everything."""
        with self._lock:
            self._inboxes.clear()
            self._groups.clear()

    async def close(self) -> None:
        """Nothing is held open."""

    def _leave(self, group: str, channel: str) -> None:
        channels = self._groups.get(group)
        if channels is not None:
            channels.discard(channel)
            if not channels:
                del self._groups[group]

    # -- between threads -----------------------------------------------------------------------------------------------

    def _deliver(self, channels: Iterable[str], message: Message) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[str, _Inbox]]] = defaultdict(list)
        with self._lock:
            for channel in channels:
                inbox = self._inboxes.get(channel)
                if inbox is not None:
                    by_loop[inbox.loop].append((channel, inbox))
        for loop, inboxes in by_loop.items():
            try:
                loop.call_soon_threadsafe(_put, inboxes, message)
            except RuntimeError:  # the loop was closed without closing its channels
                for channel, _ in inboxes:
                    self._close(channel)


def _put(inboxes: list[tuple[str, _Inbox]], message: Message) -> None:
    """Runs in the loop that reads the channels."""
    for channel, inbox in inboxes:
        try:
            inbox.queue.put_nowait(dict(message))
        except asyncio.QueueFull:
            log.warning("channel_full", channel=channel)
