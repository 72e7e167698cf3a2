"""JSON parser with limits on size and depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework import exceptions, parsers

from core.errors import DomainError


class BodyTooLarge(DomainError):
    """Request body above DATA_UPLOAD_MAX_MEMORY_SIZE."""

    status = 413

    def __init__(self) -> None:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        super().__init__("body_too_large", f"A JSON body has at most {limit // 1024:,} KB.")


class JSONParser(parsers.JSONParser):
    """Strict JSON of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge
        try:
            return super().parse(_ReadOnceStream(body), media_type, parser_context)  # type: ignore[arg-type]
        except RecursionError:
            raise exceptions.ParseError("JSON parse error - nested too deeply") from None


class _ReadOnceStream:
    """Stream of bytes that `read` returns whole, once."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, _size: int = -1) -> bytes:
        body, self._body = self._body, b""
        return body
