"""JSON envelope of responses: `{"success": true, "data": ...}`, or false with an `error`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.errors import DomainError


def success(data: Any, meta: dict[str, Any] | None = None) -> dict[str, Any]:
    """Build the envelope of `data`. meta: cursors or totals of a page."""
    body = {"success": True, "data": data}
    return body if meta is None else {**body, "meta": meta}


def failure(code: str, message: str, details: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Build the envelope of an error. details: `{"code", "message", "field"}` each; field may be None."""
    return {"success": False, "error": {"code": code, "message": message, "details": list(details)}}


def failure_of(error: DomainError) -> dict[str, Any]:
    """Build the envelope of a DomainError."""
    detail = {"code": error.code, "message": error.message, "field": error.field, **error.extra}
    return failure(error.code, error.message, [detail])
