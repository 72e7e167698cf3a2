"""WebSocket consumer of live updates: authenticates, joins the business's group, and sends its frames.

Frames come from `messaging.inbox.live_updates` and others through `core.realtime.hub.push`. Messages of the browser are
ignored. A plain ASGI application: a consumer of Channels would cost a channel and a thread hop.
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
"""Close code of a socket without a signed-in user: the page redirects to the login."""
TOO_MANY = 4429
"""Close code above SOCKETS_A_PERSON: the page says so and does without live updates."""
SOCKETS_A_PERSON = 30
"""Sockets of one user in one business in one process."""

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class LiveConsumer:
    """Consumer of one socket, in the group of the business that its session selects."""

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
        """Authenticate, then serve the socket until it disconnects."""
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
        """Return the user's current access to the session's business, and the seconds until the session expires."""
        session = self.scope["session"]
        access = find_access(self.scope["user"], session.get(SESSION_KEY))
        allowed = access is not None and access.can(Can.VIEW)
        return access if allowed else None, accounts.session_seconds_left(session.session_key)

    async def listen(self, access: Access, seconds: float) -> None:
        """Join the business's group, then accept: a page with an open socket misses no frame.

        seconds: until the session, and with it the socket, ends. Incoming messages are dropped.
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
        """Accept and close: a rejected handshake would hide the code from the page."""
        await self.send({"type": "websocket.accept"})
        await self.send({"type": "websocket.close", "code": code})

    async def write(self, text: str) -> None:
        await self.accepted.wait()
        await self.send({"type": "websocket.send", "text": text})

    async def close(self, code: int) -> None:
        await self.accepted.wait()
        await self.send({"type": "websocket.close", "code": code})
