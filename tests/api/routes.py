"""Every operation of the API, read from the addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import URLPattern, URLResolver, reverse

from accounts.api.operations import Operation
from whatsflow import api


@dataclass(frozen=True)
class Call:
    """One method of one address. operation: what it is declared with."""

    method: str
    name: str
    parameters: tuple[str, ...]
    endpoint: Any
    operation: Operation

    def __str__(self) -> str:
        return f"{self.method} {self.name}"

    @property
    def writes(self) -> bool:
        """Whether it needs the scope to write."""
        return self.operation.needs_writing(self.method)

    def path(self, ids: dict[str, UUID]) -> str:
        """The address below /api/v1/ with these ids in it."""
        chosen = {name: ids[name] for name in self.parameters}
        return reverse(f"api:{self.name}", kwargs=chosen).removeprefix("/api/v1/")


def calls() -> list[Call]:
    """All of them, by name."""
    return sorted(_calls(api.endpoints), key=str)


def _calls(patterns: list[Any]) -> Iterator[Call]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _calls(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            view: Any = pattern.callback
            for method, action in view.actions.items():
                if method != "head":
                    parameters = tuple(pattern.pattern.converters)
                    operation = view.cls.method(action)
                    yield Call(method, str(pattern.name), parameters, view.cls, operation)
