"""ASGI application that serves HTTP with a WSGI application on a fixed pool of threads.

Django's own ASGI handler costs several thread hops a request, this one a single hop. A slow client never occupies a
thread of the pool: request bodies are collected first (in memory up to 1 MB, in a temporary file above), and files are
read in the pool block by block while the event loop sends. Other streaming responses run on a second pool, each on one
thread from first to last chunk, because they may hold a database cursor.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any

import structlog

log = structlog.get_logger(__name__)

SPOOL_BYTES = 1024 * 1024
BLOCK_BYTES = 64 * 1024
STREAM_THREADS = 16
BODY_SECONDS = 60.0
"""Timeout for the next chunk of a request body."""
SEND_SECONDS = 60.0
"""Timeout for the client to accept a chunk of a streaming response."""

Environ = dict[str, Any]
Headers = list[tuple[bytes, bytes]]
Receive = Callable[[], Any]
Send = Callable[[dict[str, Any]], Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class BodyTooLarge(Exception):
    """Request body above the limit."""


class ClientDisconnected(Exception):
    """Disconnect before the request was complete."""


@dataclass
class WsgiResponse:
    """Response of the WSGI application.

    first: the whole body, or its first block. file: the rest of a file. rest: chunks of another streaming response.
    """

    status: int
    headers: Headers
    first: bytes
    file: IO[bytes] | None
    rest: Iterable[bytes] | None
    close: Callable[[], None]


class WsgiBridge:
    """ASGI application for "http" scopes in front of Django's WSGI handler.

    threads: concurrent requests. max_body: bytes of a request body; above it the response is 413.
    """

    def __init__(self, wsgi: WsgiApp, *, threads: int, max_body: int) -> None:
        self._wsgi = wsgi
        self._max_body = max_body
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._streams = ThreadPoolExecutor(STREAM_THREADS, thread_name_prefix="stream")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as body:
            try:
                length = await _read_body(scope, receive, body, self._max_body)
            except BodyTooLarge:
                await _plain(send, 413, b"The request is too large.")
                return
            except TimeoutError:
                await _plain(send, 408, b"The request took too long to arrive.")
                return
            except ClientDisconnected:
                return
            environ = _environ(scope, body, length)
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(self._pool, _call, self._wsgi, environ)
            await self._deliver(response, scope["method"] == "HEAD", receive, send)

    async def call(self, scope: dict[str, Any], body: bytes) -> WsgiResponse:
        """Run an internal request and return its complete response. Not for streaming responses."""
        environ = _environ(scope, io.BytesIO(body), len(body))
        return await asyncio.get_running_loop().run_in_executor(self._pool, _call, self._wsgi, environ)

    async def _deliver(self, response: WsgiResponse, head_only: bool, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
        streamed = response.file is not None or response.rest is not None
        if not streamed or head_only:
            await send({"type": "http.response.body", "body": b"" if head_only else response.first})
            if streamed:
                await asyncio.get_running_loop().run_in_executor(self._pool, response.close)
            return
        work = (
            self._send_file(response, send)
            if response.file is not None
            else self._send_stream(response, send)
        )
        await _until_disconnect(work, receive)

    async def _send_file(self, response: WsgiResponse, send: Send) -> None:
        """Read in the pool and send from the loop, so that a slow client occupies no thread."""
        loop = asyncio.get_running_loop()
        assert response.file is not None
        try:
            block = response.first
            while block:
                await asyncio.wait_for(send(_chunk(block)), SEND_SECONDS)
                block = await loop.run_in_executor(self._pool, response.file.read, BLOCK_BYTES)
            await send(_chunk(b"", more=False))
        finally:
            await asyncio.shield(loop.run_in_executor(self._pool, response.close))

    async def _send_stream(self, response: WsgiResponse, send: Send) -> None:
        """Iterate on one thread, which waits until each chunk is sent."""
        loop = asyncio.get_running_loop()
        cancelled = False

        def pump() -> None:
            try:
                for chunk in response.rest or ():
                    if cancelled:
                        return
                    if chunk:
                        asyncio.run_coroutine_threadsafe(_send_chunk(send, chunk), loop).result(SEND_SECONDS)
            finally:
                response.close()

        try:
            await loop.run_in_executor(self._streams, pump)
            await send(_chunk(b"", more=False))
        finally:
            cancelled = True


async def _send_chunk(send: Send, chunk: bytes) -> None:
    await send(_chunk(chunk))


async def _until_disconnect(work: Any, receive: Receive) -> None:
    """Run `work` and cancel it when the client disconnects."""
    task = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        watcher.cancel()
        if not task.done():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            await task


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_body(scope: dict[str, Any], receive: Receive, body: IO[bytes], limit: int) -> int:
    """Read the request body into `body`. Returns its length. Raises BodyTooLarge, ClientDisconnected, TimeoutError."""
    if scope["method"] in ("GET", "HEAD") and not _announces_body(scope):
        return 0
    if _announced_length(scope) > limit:
        raise BodyTooLarge
    length = 0
    while True:
        event = await asyncio.wait_for(receive(), BODY_SECONDS)
        if event["type"] == "http.disconnect":
            raise ClientDisconnected
        chunk = event.get("body", b"")
        length += len(chunk)
        if length > limit:
            raise BodyTooLarge
        body.write(chunk)
        if not event.get("more_body", False):
            body.seek(0)
            return length


def _announces_body(scope: dict[str, Any]) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


def _announced_length(scope: dict[str, Any]) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _environ(scope: dict[str, Any], body: Any, length: int) -> Environ:
    """Build the WSGI environment of an ASGI request (PEP 3333)."""
    server = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", "").encode().decode("latin1"),
        "PATH_INFO": scope["path"].encode().decode("latin1"),
        "QUERY_STRING": scope["query_string"].decode("latin1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        _add_header(environ, raw_name.decode("latin1"), raw_value.decode("latin1"))
    if length or "CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(length)
    return environ


def _add_header(environ: Environ, name: str, value: str) -> None:
    if "_" in name:  # "X_Forwarded_For" would become "X-Forwarded-For"
        return
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    if key in environ:
        value = environ[key] + ("; " if key == "HTTP_COOKIE" else ",") + value
    environ[key] = value


def _call(wsgi: WsgiApp, environ: Environ) -> WsgiResponse:
    """Run the WSGI application, on a thread of the pool, up to the first block of a streaming response."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        started[:] = [int(status[:3]), headers]

    result = wsgi(environ, start_response)
    close = getattr(result, "close", lambda: None)
    file = getattr(result, "file_to_stream", None)
    rest = None
    try:
        if file is not None:
            first = file.read(BLOCK_BYTES)
            if len(first) < BLOCK_BYTES:
                file = None
        elif getattr(result, "streaming", False):
            first, rest = b"", result
        else:
            first = b"".join(result)
    except BaseException:
        close()
        raise
    if file is None and rest is None:
        close()
    status, headers = started
    encoded = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in headers]
    return WsgiResponse(status, encoded, first, file, rest, close)


def _chunk(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _plain(send: Send, status: int, text: bytes) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
