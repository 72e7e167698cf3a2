"""The socket of an open page: who is it, which business, and then only listening.

Frames are written by `messaging.inbox.live_updates` and others through `core.realtime.hub.push`. Nothing that a
browser sends is acted upon. A plain ASGI application: Channels' consumers would pay a channel and a thread hop of
their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from channels.db import database_sync_to_async

from accounts import selectors as accounts
from accounts.access import SESSION_KEY, Access, find_access
from accounts.roles import Can
from core.realtime.hub import NOT_A_MEMBER, TRY_AGAIN, Socket, business_group, hub

log = structlog.get_logger(__name__)

NOT_SIGNED_IN = 4401
"""Close code of a socket without a signed-in user: the page has to go to the login."""
TOO_MANY = 4429
"""Close code of a socket too many for one person: the page says so and does without."""
SOCKETS_A_PERSON = 30
"""Open pages of one person in one business that one process serves."""

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class LiveConsumer:
    """One socket, joined to the group of the business that its session has chosen."""

    @classmethod
    def as_asgi(cls) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
        async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
            await cls(scope, receive, send).run()

        return application

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.accepted = asyncio.Event()

    async def run(self) -> None:
        """Accept, find out who it is, and listen until the browser goes."""
        if (await self.receive())["type"] != "websocket.connect":
            return
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            await self.refuse(NOT_SIGNED_IN)
            return
        access, seconds = await database_sync_to_async(self.find_access)()
        if seconds <= 0:
            await self.refuse(NOT_SIGNED_IN)
        elif access is None:
            await self.refuse(NOT_A_MEMBER)
        elif hub.count(business_group(access.business.pk), of=access.user.pk) >= SOCKETS_A_PERSON:
            await self.refuse(TOO_MANY)
        else:
            await self.listen(access, seconds)

    def find_access(self) -> tuple[Access | None, float]:
        """The user's access to the session's business, and the seconds that the session has left; as of now."""
        session = self.scope["session"]
        access = find_access(self.scope["user"], session.get(SESSION_KEY))
        allowed = access is not None and access.can(Can.VIEW)
        return access if allowed else None, accounts.session_seconds_left(session.session_key)

    async def listen(self, access: Access, seconds: float) -> None:
        """Join the business's group, then accept: a page that sees the socket open misses nothing from then on.

        What the browser says is read and dropped. After `seconds`, with the session, it ends.
        """
        group = business_group(access.business.pk)
        socket = Socket(access.user.pk, self.write, self.close)
        try:
            await hub.join(group, socket)
        except TimeoutError:
            log.warning("live_join_timed_out", group=group)
            await self.refuse(TRY_AGAIN)
            return
        try:
            await self.send({"type": "websocket.accept"})
            self.accepted.set()
            async with asyncio.timeout(seconds):
                while (await self.receive())["type"] != "websocket.disconnect":
                    pass
        except TimeoutError:
            await self.close(TRY_AGAIN)
        finally:
            hub.leave(group, socket)

    async def refuse(self, code: int) -> None:
        """Close with a code that the page can see: a refused handshake would hide it."""
        await self.send({"type": "websocket.accept"})
        await self.send({"type": "websocket.close", "code": code})

    async def write(self, text: str) -> None:
        await self.accepted.wait()
        await self.send({"type": "websocket.send", "text": text})

    async def close(self, code: int) -> None:
        await self.accepted.wait()
        await self.send({"type": "websocket.close", "code": code})
