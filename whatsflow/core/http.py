"""The only way out: an HTTP client that cannot be talked into the inside of a network.

A request goes to https addresses only, and to no port of another kind of service. The name is resolved once, every
address it has must be public, and the connection is made to one of those very addresses, so that a second answer of
the DNS changes nothing; certificate and Host header keep the name. Redirects are not followed, nothing is decompressed,
proxies from the environment are not used, and time and size have caps. `settings.OUTBOUND_HTTP_ALLOWED_HOSTS`
("host:port") lifts the rules about https, ports and public addresses for single places, for development.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpcore2
import httpx2  # noqa: TID251 - this is the module that the ban points to
from django.conf import settings

from whatsflow.core.errors import DomainError

USER_AGENT = "WhatsFlow"
_REFUSED = [
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",  # carrier-grade NAT, and a cloud's metadata
        "168.63.129.16/32",  # a cloud's wire server
        "169.254.0.0/16",  # link-local, metadata of most clouds
        "192.0.0.0/24",  # protocol assignments, and a cloud's metadata
        "192.88.99.0/24",  # 6to4 relays
        "2001::/23",  # protocol assignments, with Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: may lead to any IPv4 address
        "3fff::/20",  # documentation
    )
]
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""The only IPv6 addresses in public use; outside of it lie NAT64, mapped, compatible, local and multicast ones."""
_SERVICES = frozenset(
    {
        *(
            1433,
            1521,
            1883,
            2049,
            2375,
            2376,
            2379,
            2380,
            3306,
            3389,
            4190,
            5060,
            5061,
            5432,
            5672,
            5900,
            5984,
            6000,
        ),
        *(
            6379,
            6443,
            6566,
            6665,
            6666,
            6667,
            6668,
            6669,
            6697,
            8086,
            9042,
            9092,
            9200,
            9300,
            10250,
            11211,
            27017,
        ),
    }
)
"""Ports from 1024 on at which databases, queues, caches, control planes and chat servers listen, and no web server."""
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
"""A host that has a name: what IDNA leaves of others."""
_resolvers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


class OutboundError(DomainError):
    """The request did not bring an answer."""

    status = 502


class Blocked(OutboundError):
    """This address may not be called; it never will be."""

    status = 422


class TimedOut(OutboundError):
    """There was no whole answer within the time allowed."""

    status = 504


class Unreachable(OutboundError):
    """No connection, or it broke, or what came was not HTTP."""


class TooLarge(OutboundError):
    """The answer is longer than allowed."""


@dataclass(frozen=True)
class Limits:
    """Caps of one request. Seconds; `total` covers everything from the name's resolution to the last byte."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 15.0
    max_bytes: int = 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back. A redirect is an answer like any other. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet and not a way around into something else."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # with a zone, or no address at all
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if ip not in _GLOBAL_UNICAST:
            return False
    refused = any(ip in network for network in _REFUSED if network.version == ip.version)
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not refused


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    limits: Limits | None = None,
    truncate: bool = False,
) -> Answer:
    """Send one request and read the whole answer. Call it outside of transactions.

    truncate: cut an answer that is too long instead of raising TooLarge.
    Raises Blocked, TimedOut, Unreachable, TooLarge.
    """
    limits = limits or Limits()
    exempt = check_url(url)
    deadline = Deadline()
    deadline.start(limits.total)
    timeout = httpx2.Timeout(limits.read, connect=limits.connect)
    sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **(headers or {})}
    transport = _Transport(CheckedBackend(deadline, exempt))
    try:
        with (
            httpx2.Client(
                transport=transport, timeout=timeout, trust_env=False, follow_redirects=False
            ) as client,
            client.stream(method, url, headers=sent, content=content) as response,
        ):
            body, truncated = read_all(response.iter_raw(), limits.max_bytes, truncate)
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, names, body, truncated)
    except (httpx2.TimeoutException, TimeoutError) as error:
        raise TimedOut("timed_out", "The address did not answer in time.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
        raise Unreachable("unreachable", "The address could not be reached.") from error


def check_url(url: str) -> bool:
    """Refuse an address that may not be called, as far as its text tells. Returns whether it is on the allow-list.

    Use it to check what a person enters; `request` checks again, and checks what the name leads to.
    """
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError, ValueError, UnicodeError) as error:
        raise Blocked("invalid_url", "This is not a web address.", field="url") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Blocked("invalid_url", "Write a web address that starts with https://.", field="url")
    if parsed.userinfo:
        raise Blocked("url_with_password", "Leave user name and password out of the address.", field="url")
    port = parsed.port if parsed.port is not None else (443 if parsed.scheme == "https" else 80)
    if not 0 < port < 65536:
        raise Blocked("invalid_url", "The port after the colon must be between 1 and 65535.", field="url")
    if f"{parsed.host}:{port}" in settings.OUTBOUND_HTTP_ALLOWED_HOSTS:
        return True
    if parsed.scheme != "https":
        raise Blocked("https_required", "Only https:// addresses can be called.", field="url")
    if port != 443 and (port < 1024 or port in _SERVICES):
        raise Blocked(
            "port_not_allowed",
            f"Port {port} is not for web addresses. Use 443, or one from 1024 on that no other service has.",
            field="url",
        )
    _check_host(parsed.raw_host.decode("ascii"))
    return False


def _not_public() -> Blocked:
    return Blocked("address_not_public", "This address is not on the public internet.", field="url")


def _check_host(host: str) -> None:
    """Refuse what is no name, no public address, however it is spelled, or the machine itself; looks nothing up."""
    name = host.rstrip(".").lower()
    literal = _literal(name)
    if literal is None and not _NAME.fullmatch(name):
        raise Blocked("invalid_url", "This is not a web address.", field="url")
    if name == "localhost" or name.endswith(".localhost") or (literal and not is_public(literal)):
        raise _not_public()


def _literal(host: str) -> str | None:
    """The IP address that a host is, in any spelling that the system's resolver takes for one (0x7f.1, 2130706433)."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError, ValueError):
        return None
    return str(found[0][4][0])


def resolve(host: str, port: int) -> list[str]:
    """All IP addresses of a name, without repeats, in the system's order. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def read_all(chunks: Iterable[bytes], max_bytes: int, truncate: bool) -> tuple[bytes, bool]:
    """The body of an answer, and whether it was cut. Raises TooLarge."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            if not truncate:
                raise TooLarge("too_large", "The answer is too long.")
            return bytes(body[:max_bytes]), True
    return bytes(body), False


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
        pending = _resolvers.submit(resolve, host, port)
        try:
            addresses = pending.result(timeout=self._deadline.left(None))
        except FutureTimeout as error:
            raise httpcore2.ConnectTimeout("The name was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("The name could not be resolved") from error
        if not self._exempt and not all(is_public(address) for address in addresses):
            raise _not_public()
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
