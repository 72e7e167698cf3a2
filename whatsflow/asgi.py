"""ASGI application: asynchronous WebSockets; HTTP goes to the WSGI handler on a fixed pool of threads.

Served by uvicorn, for the whole site (embedded, `manage.py up`) or only for /ws/ behind a proxy (role `live`).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whatsflow.settings")

from django.core.wsgi import get_wsgi_application

from core.web.charset import only_utf8

_wsgi = only_utf8(get_wsgi_application())  # sets up Django, which the following imports need

from channels.auth import AuthMiddlewareStack  # noqa: E402
from django.conf import settings  # noqa: E402
from django.http.request import split_domain_port, validate_host  # noqa: E402

from core.web.wsgi_bridge import WsgiBridge  # noqa: E402

Scope = dict[str, Any]
AsgiApp = Callable[[Scope, Any, Any], Any]

http = WsgiBridge(_wsgi, threads=settings.WEB_THREADS, max_body=settings.MAX_REQUEST_BYTES)


async def application(scope: Scope, receive: Any, send: Any) -> None:
    """Dispatch a connection by protocol and path."""
    if scope["type"] == "http" and scope["path"] == "/mcp":
        await mcp_endpoint()(scope, receive, send)
    elif scope["type"] == "http":
        await http(scope, receive, send)
    elif scope["type"] == "websocket":
        await websocket(scope, receive, send)


async def websocket(scope: Scope, receive: Any, send: Any) -> None:
    """Pass a same-origin socket to its consumer; reject any other one before the handshake."""
    consumer = sockets().get(scope["path"])
    if consumer is None or not is_same_origin(scope):
        await receive()
        await send({"type": "websocket.close", "code": 4403})
        return
    await consumer(scope, receive, send)


@functools.cache
def mcp_endpoint() -> AsgiApp:
    """Build the endpoint of the Model Context Protocol, imported on first use because its library is slow to load."""
    from whatsflow.mcp import McpEndpoint

    return McpEndpoint(http)


@functools.cache
def sockets() -> dict[str, AsgiApp]:
    """Map paths to socket applications, imported on first use for the sake of processes without sockets."""
    from whatsflow.live_socket import LiveConsumer

    return {"/ws/live/": AuthMiddlewareStack(LiveConsumer.as_asgi())}


def is_same_origin(scope: Scope) -> bool:
    """Whether the Origin header, which browsers set truthfully, names this site."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin1").lower()
    host = headers.get(b"host", b"").decode("latin1").lower()
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in (("https",) if settings.HTTPS else ("http", "https")):
        return False
    domain, _port = split_domain_port(host)
    return bool(domain) and parts.netloc == host and validate_host(domain, settings.ALLOWED_HOSTS)
