"""Errors that services raise: a stable code, a message for people and an HTTP status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """Violation of a domain rule; nothing was changed.

    code: stable, snake_case, part of the public API. message: tells a person what to do.
    field: the invalid form field or JSON key, None if there is none. extra: further keys of the API's error detail.
    """

    status = 400

    def __init__(
        self, code: str, message: str, *, field: str | None = None, extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.extra = dict(extra or {})


class InvalidInput(DomainError):
    """Invalid input; a corrected request may succeed."""

    status = 422


class NotFound(DomainError):
    """Missing object, or one of another tenant: the response does not tell them apart."""

    status = 404

    def __init__(self, what: str = "This item") -> None:
        super().__init__("not_found", f"{what} was not found. It may have been deleted.")


class Forbidden(DomainError):
    """Action that the caller's role or credential does not allow."""

    status = 403

    def __init__(
        self,
        message: str = "Your role does not allow this. Ask an owner or admin.",
        *,
        code: str = "forbidden",
    ) -> None:
        super().__init__(code, message)


class Unauthorized(DomainError):
    """Missing or invalid credential."""

    status = 401


class Conflict(DomainError):
    """Action that the object's current state does not allow."""

    status = 409
