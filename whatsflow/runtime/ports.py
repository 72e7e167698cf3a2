"""Binding the public port, and waiting until it is served."""

from __future__ import annotations

import errno
import http.client
import socket
import time
from urllib.parse import urlsplit

from django.core.management.base import CommandError


def bind(host: str, port: int) -> socket.socket:
    """Bind a socket to `host`:`port`. Raises CommandError with the remedy."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise CommandError(_explain(error, host, port), returncode=2) from None
    bound.set_inheritable(True)
    return bound


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is already in use, perhaps by another WhatsFlow. Stop that program, or choose another "
            f"port: PORT={port + 1} make run"
        )
    if error.errno == errno.EACCES:
        return (
            f"Port {port} needs administrator rights. Choose one above 1023, for example PORT=8000 make run"
        )
    return f"Cannot listen on {host}:{port}: {error.strerror or error}"


def wait_until_served(host: str, port: int, host_header: str, *, seconds: float) -> bool:
    """Request the first page until it is served, at most for `seconds`. Returns whether it was.

    Follows one redirect, so that the login page is loaded as well.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            status, location = _get(host, port, host_header, "/")
            if location.startswith("/"):
                status, _ = _get(host, port, host_header, location)
            return status < 500
        except OSError:
            time.sleep(0.05)
    return False


def _get(host: str, port: int, host_header: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": host_header})
        response = connection.getresponse()
        response.read()
        return response.status, urlsplit(response.headers.get("Location", ""))._replace(netloc="").path
    finally:
        connection.close()


def _reachable(host: str) -> str:
    """Return an address to connect to a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
