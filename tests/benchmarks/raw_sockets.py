"""The limit for fan-out: uvicorn that sends one text to every open socket, as soon as one of them brings it.

`python -m tests.benchmarks.raw_sockets ADDRESS JSON` is the one who brings it: a process of its own, as on our side.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from websockets.sync.client import connect

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


def speak(address: str, count: int, pause: float, size: int) -> None:
    """Bring `count` texts like those of tests.benchmarks.inside.push."""
    filler = "x" * size
    with connect(address) as socket:
        time.sleep(0.3)
        for number in range(count):
            frame = {"type": "bench", "number": number, "at": time.monotonic(), "html": filler}
            socket.send(json.dumps({"frames": [frame]}, separators=(",", ":")))
            time.sleep(pause)
        for _ in range(count):  # what it says comes back to it too
            socket.recv()


if __name__ == "__main__":
    speak(sys.argv[1], **json.loads(sys.argv[2]))
