"""WSGI middleware that rejects requests with a charset other than UTF-8 in their Content-Type.

Django decodes query and form with any Python codec that a Content-Type names, the query while it creates the request
object, outside of its error handling. `hex` crashes there; `unicode_escape` yields lone surrogates, which neither the
database nor a page can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.http import parse_header_parameters

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
UTF_8 = frozenset({"utf-8", "utf8"})


def only_utf8(application: WsgiApp) -> WsgiApp:
    """Wrap `application`: answer 400 to requests that are not in UTF-8."""

    def middleware(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if _is_utf8(environ.get("CONTENT_TYPE", "")):
            return application(environ, start_response)
        start_response("400 Bad Request", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"Send text in UTF-8."]

    return middleware


def _is_utf8(content_type: str) -> bool:
    try:
        _, parameters = parse_header_parameters(content_type)
    except (ValueError, LookupError):
        return False
    return parameters.get("charset", "utf-8").strip().lower() in UTF_8
