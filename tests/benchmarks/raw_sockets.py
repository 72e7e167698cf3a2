"""The limit for fan-out: uvicorn that sends one text to every open socket, as soon as one of them brings it."""

from __future__ import annotations

from typing import Any

sockets: set[Any] = set()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """ASGI: whatever text comes in on any socket goes out on all."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        return
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    sockets.add(send)
    try:
        while (event := await receive())["type"] == "websocket.receive":
            message = {"type": "websocket.send", "text": event["text"]}
            for other in tuple(sockets):
                await other(message)
    finally:
        sockets.discard(send)
