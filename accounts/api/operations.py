"""What an endpoint's method is declared with: everything that the framework checks and the documentation tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rest_framework.serializers import BaseSerializer

from accounts.roles import Can
from core.api.framework import CamelCaseSerializer

SAFE = frozenset({"get", "head"})


@dataclass(frozen=True, eq=False)
class Operation:
    """One method of one address.

    answer: the serializer of what comes back (None: 204, unless `binary`). many: a list of them. pages: "cursor" for
    what grows, "number" with totals for what is short. ordering: what `?order=` may name, each with the columns.
    body, query: serializers of what is sent. can: the role's capability; None: to view, or the endpoint's `capability`
    for what writes. public: without credentials. personal: for a person whatever their business, never for a key.
    writes: needs the scope to write; None: by the method. conditional: understands If-Match.
    binary: media type of an answer that is no JSON. fails: statuses beyond the usual ones.
    """

    summary: str
    answer: type[CamelCaseSerializer] | None = None
    many: bool = False
    pages: Literal["", "cursor", "number"] = ""
    ordering: dict[str, tuple[str, ...]] = field(default_factory=dict)
    body: type[BaseSerializer] | None = None
    multipart: bool = False
    query: type[BaseSerializer] | None = None
    status: int = 200
    can: Can | None = None
    writes: bool | None = None
    public: bool = False
    personal: bool = False
    unscoped: bool = False
    conditional: bool = False
    binary: str = ""
    fails: tuple[int, ...] = ()
    example: Any = None

    def needs_writing(self, method: str) -> bool:
        """Whether a key needs the scope to write for it."""
        return method.lower() not in SAFE if self.writes is None else self.writes

    def repeatable(self, method: str) -> bool:
        """Whether it takes an Idempotency-Key: every POST of somebody with a credential."""
        return method.lower() == "post" and not self.public


def operation(summary: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a method of an `Endpoint`; its docstring becomes the description. Options: see `Operation`."""

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        method.operation = Operation(summary, **options)  # type: ignore[attr-defined]
        return method

    return decorate


def names(order: Sequence[str]) -> list[str]:
    """What `?order=` takes for these names: each rising, and falling with a minus."""
    return [sign + name for name in order for sign in ("", "-")]
