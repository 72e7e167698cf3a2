"""A receiver of webhooks on loopback that does what a script says: answers, hangs, resets, drips."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> Any:
        return json.loads(self.body)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
    head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n{''.join(lines)}\r\n"
    return head.encode() + body


class Reset(Exception):
    """In a script: end the connection without an answer."""


Script = Callable[[Received, int], bytes]
"""Gets the request and its number (from 1), returns what to answer, or raises Reset. It may wait before."""


@dataclass
class Receiver:
    """`with Receiver(script) as receiver`: its `url`, and what came (`received`)."""

    script: Script = lambda request, number: OK
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Receiver:
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.closing.set()
        self._listener.close()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.place}/hook"

    @property
    def ids(self) -> set[str]:
        return {one.id for one in self.received}

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with self._lock:
            self.connections += 1
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while not self.closing.is_set() and (request := _read(stream)):
                with self._lock:
                    self.received.append(request)
                    number = len(self.received)
                try:
                    reply = self.script(request, number)
                except Reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                connection.sendall(reply)
                if b"connection: close" in reply[:200].lower():
                    return


def _read(stream: Any) -> Received | None:
    if not stream.readline():
        return None
    headers = {}
    while line := stream.readline().strip().decode("latin-1"):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    body = stream.read(length)
    return Received(headers, body) if len(body) == length else None  # who was posting has died
