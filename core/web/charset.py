"""In front of the WSGI handler: a request whose text is not UTF-8 by its own account is refused.

Django decodes query and form with whatever codec of Python's a Content-Type names, the query already while it makes the
request object, outside of all its error handling. `hex` breaks it there; `unicode_escape` makes half characters that no
database and no page can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.http import parse_header_parameters

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
UTF_8 = frozenset({"utf-8", "utf8"})


def only_utf8(application: WsgiApp) -> WsgiApp:
    """`application`, reached only by requests in UTF-8; any other is answered with 400."""

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if _is_utf8(environ.get("CONTENT_TYPE", "")):
            return application(environ, start_response)
        start_response("400 Bad Request", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"Send text in UTF-8."]

    return guarded


def _is_utf8(content_type: str) -> bool:
    try:
        _, parameters = parse_header_parameters(content_type)
    except (ValueError, LookupError):
        return False
    return parameters.get("charset", "utf-8").strip().lower() in UTF_8
