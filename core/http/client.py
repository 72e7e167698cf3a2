"""The connections of `core.http.policy`, which says what may be called. Loaded when it first looks at one."""

from __future__ import annotations

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

USER_AGENT = "WhatsFlow"
_resolvers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


def parse(url: str) -> httpx2.URL:
    """An address in its parts. Raises ValueError for what is none."""
    try:
        return httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError) as error:
        raise ValueError("This is not a web address.") from error


def request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes | None,
    limits: policy.Limits,
    *,
    truncate: bool,
) -> policy.Answer:
    """As `http.request`."""
    exempt = policy.check_url(url)
    deadline = Deadline()
    deadline.start(limits.total)
    timeout = httpx2.Timeout(limits.read, connect=limits.connect)
    sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
    transport = _Transport(CheckedBackend(deadline, exempt))
    try:
        with (
            httpx2.Client(
                transport=transport, timeout=timeout, trust_env=False, follow_redirects=False
            ) as client,
            client.stream(method, url, headers=sent, content=content) as response,
        ):
            body, truncated = policy.read_all(response.iter_raw(), limits.max_bytes, truncate)
            names = {name.lower(): value for name, value in response.headers.items()}
            return policy.Answer(response.status_code, names, body, truncated)
    except (httpx2.TimeoutException, TimeoutError) as error:
        raise policy.TimedOut("timed_out", "The address did not answer in time.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
        raise policy.Unreachable("unreachable", "The address could not be reached.") from error


@lru_cache(maxsize=1)
def ssl_context() -> ssl.SSLContext:
    """Certificates are read once; that takes longer than a request."""
    return httpx2.create_ssl_context(trust_env=False)


class Deadline(threading.local):
    """When the request that this thread is making ends, on the monotonic clock, and whether it made a connection."""

    at = 0.0
    connected = False

    def start(self, seconds: float) -> None:
        """A request begins that may take so long."""
        self.at = time.monotonic() + seconds

    def left(self, timeout: float | None) -> float:
        """Seconds that one step may take. Raises httpcore2.ReadTimeout when the time is over."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("The time for this request is over")
        return left if timeout is None else min(left, timeout)


class _Transport(httpx2.HTTPTransport):
    """httpx2's transport over one connection that `CheckedBackend` makes."""

    def __init__(self, backend: CheckedBackend) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl_context(),
            max_connections=1,
            max_keepalive_connections=0,
            network_backend=backend,
        )


class CheckedBackend(httpcore2.NetworkBackend):
    """Connects to checked addresses only. exempt: the place is on the allow-list.

    keep: seconds after which a connection is not used for another request, so that the name is looked up again.
    """

    def __init__(self, deadline: Deadline, exempt: bool, keep: float = 0.0) -> None:
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
    """A connection whose every step ends at the request's deadline, however slowly the other side drips.

    until: monotonic time from which no further request may use it.
    """

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline, until: float) -> None:
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
        """An idle connection that is readable was closed by the other side; one that is too old looks the same."""
        if info == "is_readable" and time.monotonic() > self._until:
            return True
        return self._stream.get_extra_info(info)
