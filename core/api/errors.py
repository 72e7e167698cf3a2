"""Error responses of the API.

A module of its own: Django REST framework imports `core.api.framework` while it is being imported itself, and this
module needs the framework fully loaded.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from drf_standardized_errors.formatter import flatten_errors
from drf_standardized_errors.handler import ExceptionHandler as StandardizedHandler
from rest_framework import exceptions

from core.api import envelope
from core.api.framework import Failure
from core.api.parsers import BodyTooLarge
from core.errors import DomainError


class DomainException(exceptions.APIException):
    """DomainError wrapped as an APIException."""

    def __init__(self, error: DomainError) -> None:
        super().__init__(error.message, error.code)
        self.status_code = error.status
        self.error = error


class ExceptionHandler(StandardizedHandler):
    """Handler of everything that views raise, set as DRF_STANDARDIZED_ERRORS["EXCEPTION_HANDLER_CLASS"]."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """Convert a DomainError, and Django's own errors, to an APIException."""
        if isinstance(exc, DomainError):
            return DomainException(exc)
        if isinstance(exc, RequestDataTooBig):
            return DomainException(BodyTooLarge())
        if isinstance(exc, SuspiciousOperation):
            return exceptions.ParseError("The request could not be understood.")
        return super().convert_known_exceptions(exc)

    def format_exception(self, exc: exceptions.APIException) -> Failure:
        """Format as `{"success": false, "error": {"code", "message", "details": [{"code", "message", "field"}]}}`."""
        return Failure(_body(exc))


def _body(exc: exceptions.APIException) -> dict[str, Any]:
    if isinstance(exc, DomainException):
        return envelope.failure_of(exc.error)
    errors = flatten_errors(exc.detail)
    details = [{"code": error.code, "message": error.detail, "field": error.attr} for error in errors]
    if isinstance(exc, exceptions.ValidationError):
        return envelope.failure("invalid", "Please correct what is named in the details.", details)
    first = errors[0] if errors else None
    code = first.code if first else exc.default_code
    message = first.detail if first else str(exc.default_detail)
    if exc.status_code >= 500:
        code, message, details = "server_error", "Something went wrong on our side. Please try again.", []
    return envelope.failure(code, message, details)
