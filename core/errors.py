"""The one way a service says no: a stable code, a sentence for people, and an HTTP status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """A rule was broken and nothing was changed.

    code: stable, snake_case, part of the public API. message: tells a person what to do.
    field: the form field or JSON key at fault, if one is.
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
    """What was sent cannot be used; correct it and send again."""

    status = 422


class NotFound(DomainError):
    """There is no such thing in this business (another tenant's id looks the same)."""

    status = 404

    def __init__(self, what: str = "This item") -> None:
        super().__init__("not_found", f"{what} was not found. It may have been deleted.")


class Forbidden(DomainError):
    """The caller's role does not allow it."""

    status = 403

    def __init__(
        self,
        message: str = "Your role does not allow this. Ask an owner or admin.",
        *,
        code: str = "forbidden",
    ) -> None:
        super().__init__(code, message)


class Unauthorized(DomainError):
    """The credential does not prove anything."""

    status = 401


class Conflict(DomainError):
    """The thing is in a state in which this cannot be done."""

    status = 409
