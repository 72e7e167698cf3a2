"""Rules for outbound HTTP against server-side request forgery.

Only https URLs are called, and no ports of other kinds of services. The name is resolved once, every
address it has must be public, and the connection is made to one of those very addresses, so that a second answer of
the DNS changes nothing; certificate and Host header keep the name. Redirects are not followed, nothing is decompressed,
proxies from the environment are not used, and time and size have caps. `settings.OUTBOUND_HTTP_ALLOWED_HOSTS`
("host:port") lifts the rules about https, ports and public addresses for single places, for development.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpx2  # noqa: TID251 - this is the module that the ban points to
from django.conf import settings

from core.errors import DomainError

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
"""Host name, after IDNA encoding."""


class OutboundError(DomainError):
    """Outbound request without a usable response."""

    status = 502


class Blocked(OutboundError):
    """URL that the policy forbids; a retry does not help."""

    status = 422


class TimedOut(OutboundError):
    """No complete response within the time limit."""

    status = 504


class Unreachable(OutboundError):
    """No connection, a broken one, or an invalid HTTP response."""


class TooLarge(OutboundError):
    """Response above the size limit."""


@dataclass(frozen=True)
class Limits:
    """Caps of one request. Seconds; `total` covers everything from the name's resolution to the last byte."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 15.0
    max_bytes: int = 1024 * 1024


@dataclass(frozen=True)
class Response:
    """Complete response; redirects are not followed. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False


def is_public(address: str) -> bool:
    """Whether an IP address is a public one and embeds no other (NAT64, 6to4, mapped addresses)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # with a zone, or not an address
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if ip not in _GLOBAL_UNICAST:
            return False
    refused = any(ip in network for network in _REFUSED if network.version == ip.version)
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not refused


def parse(url: str) -> httpx2.URL:
    """Parse a URL. Raises ValueError."""
    try:
        return httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError) as error:
        raise ValueError("This is not a web address.") from error


def check_url(url: str) -> bool:
    """Raise Blocked for a URL that its text rules out. Returns whether it is on the allow-list.

    For validation of input: `request` checks again, with the addresses of the name.
    """
    try:
        parsed = parse(url)
    except ValueError as error:
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


def not_public() -> Blocked:
    """Return the error for a non-public address."""
    return Blocked("address_not_public", "This address is not on the public internet.", field="url")


def _check_host(host: str) -> None:
    """Raise Blocked for a host that is neither a name nor a public address, in any spelling. No DNS query."""
    name = host.rstrip(".").lower()
    literal = _literal(name)
    if literal is None and not _NAME.fullmatch(name):
        raise Blocked("invalid_url", "This is not a web address.", field="url")
    if name == "localhost" or name.endswith(".localhost") or (literal and not is_public(literal)):
        raise not_public()


def _literal(host: str) -> str | None:
    """Parse an IP address in any spelling of the system's resolver (0x7f.1, 2130706433); None for a name."""
    try:
        results = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError, ValueError):
        return None
    return str(results[0][4][0])


def resolve(host: str, port: int) -> list[str]:
    """Resolve a name to its distinct IP addresses, in the system's order. Raises OSError."""
    results = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in results))


def read_all(chunks: Iterable[bytes], max_bytes: int, truncate: bool) -> tuple[bytes, bool]:
    """Read a body. Returns it and whether it was cut. Raises TooLarge."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            if not truncate:
                raise TooLarge("too_large", "The answer is too long.")
            return bytes(body[:max_bytes]), True
    return bytes(body), False
