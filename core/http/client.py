"""The HTTP client: httpcore's connection pool over a network backend that connects to checked addresses only.

A new connection is made to an address that was resolved and checked just then; a kept one still leads there, however
the name's DNS answers change. Redirects are not followed, bodies not decompressed, and proxies and netrc ignored.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from functools import lru_cache
from typing import Any

import httpcore2
import httpx2  # noqa: TID251 - this is the module that the ban points to

from core.http import policy
from core.http.policy import Limits, Response, TimedOut, Unreachable

USER_AGENT = "WhatsFlow"
KEEP_SECONDS = 120.0
"""Age from which a connection is not used again, so that the name is looked up anew."""
IDLE_SECONDS = 15.0
"""Idle time after which a kept connection is closed."""
_resolvers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    limits: Limits | None = None,
    truncate: bool = False,
) -> Response:
    """Send one request and read the whole response.

    truncate: cut a body that is too long instead of raising TooLarge.
    Raises Blocked, TimedOut, Unreachable, TooLarge.
    """
    session = Session(url, connections=1, keep=False)
    with contextlib.closing(session):
        return session.request(
            method, content, {"Accept": "*/*", **(headers or {})}, limits or Limits(), truncate=truncate
        )


class Session:
    """Requests to one URL from many threads. Raises Blocked for a URL that may not be called.

    keep: leave connections open for further requests.
    """

    def __init__(self, url: str, *, connections: int = 8, keep: bool = True) -> None:
        exempt = policy.check_url(url)
        parsed = policy.parse(url)
        self._url = httpcore2.URL(
            scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path
        )
        self._host = parsed.netloc
        self._deadline = _Deadline()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl_context(),
            max_connections=connections,
            max_keepalive_connections=connections if keep else 0,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=_CheckedBackend(self._deadline, exempt, KEEP_SECONDS),
        )

    def post(self, content: bytes, headers: Mapping[str, str], limits: Limits) -> Response:
        """POST `content`; a body that is longer than `limits.max_bytes` is cut. Raises as `request`."""
        return self.request("POST", content, headers, limits, truncate=True)

    def request(
        self,
        method: str,
        content: bytes | None,
        headers: Mapping[str, str],
        limits: Limits,
        *,
        truncate: bool,
    ) -> Response:
        """Send one request and read the whole response.

        A kept connection that turns out to have ended is replaced and the request sent again, so the other side may
        get it twice. Raises Blocked, TimedOut, Unreachable, and TooLarge without `truncate`.
        """
        self._deadline.start(limits.total)
        while True:
            self._deadline.connected = False
            try:
                return self._send(method, content, headers, limits, truncate)
            except Unreachable:
                if self._deadline.connected:
                    raise

    def close(self) -> None:
        """End the connections. No request may be under way."""
        self._pool.close()

    def _send(
        self, method: str, content: bytes | None, headers: Mapping[str, str], limits: Limits, truncate: bool
    ) -> Response:
        sent = [
            (b"Host", self._host),
            (b"User-Agent", USER_AGENT.encode()),
            (b"Accept-Encoding", b"identity"),
            *((name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()),
        ]
        if content is not None:
            sent.append((b"Content-Length", str(len(content)).encode()))
        timeout = {
            "connect": limits.connect,
            "read": limits.read,
            "write": limits.read,
            "pool": limits.total,
        }
        try:
            with self._pool.stream(
                method, self._url, headers=sent, content=content, extensions={"timeout": timeout}
            ) as response:
                body, truncated = policy.read_all(response.iter_stream(), limits.max_bytes, truncate)
        except (httpcore2.TimeoutException, TimeoutError) as error:
            raise TimedOut("timed_out", "The address did not answer in time.") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            raise Unreachable("unreachable", "The address could not be reached.") from error
        names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return Response(response.status, names, body, truncated)


@lru_cache(maxsize=1)
def ssl_context() -> ssl.SSLContext:
    """Load the trusted certificates, once a process: that takes longer than a request."""
    return httpx2.create_ssl_context(trust_env=False)


class _Deadline(threading.local):
    """End of the request that this thread is making (monotonic), and whether it made a connection."""

    at = 0.0
    connected = False

    def start(self, seconds: float) -> None:
        """Begin a request that may take `seconds`."""
        self.at = time.monotonic() + seconds

    def left(self, timeout: float | None) -> float:
        """Seconds that one step may take. Raises httpcore2.ReadTimeout when the time is over."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("The time for this request is over")
        return left if timeout is None else min(left, timeout)


class _CheckedBackend(httpcore2.NetworkBackend):
    """Connects to checked addresses only.

    exempt: the host is on the allow-list. keep: see KEEP_SECONDS.
    """

    def __init__(self, deadline: _Deadline, exempt: bool, keep: float) -> None:
        self._deadline = deadline
        self._exempt = exempt
        self._keep = keep
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        self._deadline.connected = True
        error: Exception = httpcore2.ConnectError("The name has no address")
        for address in self._addresses(host, port):
            try:
                left = self._deadline.left(timeout)
                stream = self._plain.connect_tcp(address, port, left, None, socket_options)
                return _Stream(stream, self._deadline, time.monotonic() + self._keep)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                error = failed
        raise error

    def _addresses(self, host: str, port: int) -> list[str]:
        pending = _resolvers.submit(policy.resolve, host, port)
        try:
            addresses = pending.result(timeout=self._deadline.left(None))
        except FutureTimeout as error:
            raise httpcore2.ConnectTimeout("The name was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("The name could not be resolved") from error
        if not self._exempt and not all(policy.is_public(address) for address in addresses):
            raise policy.not_public()
        return addresses


class _Stream(httpcore2.NetworkStream):
    """A connection whose every step ends at the request's deadline, however slowly the other side sends.

    until: monotonic time from which no further request may use it.
    """

    def __init__(self, stream: httpcore2.NetworkStream, deadline: _Deadline, until: float) -> None:
        self._stream = stream
        self._deadline = deadline
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Stream(secured, self._deadline, self._until)

    def get_extra_info(self, info: str) -> Any:
        """Report a connection that is too old as readable, which is how the pool recognises a closed one."""
        if info == "is_readable" and time.monotonic() > self._until:
            return True
        return self._stream.get_extra_info(info)
