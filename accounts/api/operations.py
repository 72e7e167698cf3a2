"""Declaration of an endpoint's methods, for the checks of `Endpoint` and the API's description."""

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
    """Declaration of an API operation: an HTTP method at a URL.

    answer: serializer of the response (None: 204, unless `binary`). many: the response is a list. pages: "cursor" for
    growing lists, "number" with totals for short ones. ordering: name for `?order=` -> columns. body, query:
    serializers of the request. can: required capability of the role; None: view, or the endpoint's `capability` for
    writes. public: no credentials. personal: for users regardless of the business, never for a key. unscoped: for every
    credential. writes: needs the write scope; None: depends on the method. conditional: supports If-Match.
    binary: media type of a response that is not JSON. fails: error statuses beyond the usual ones.
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
        """Return True if an API key needs the write scope."""
        return method.lower() not in SAFE if self.writes is None else self.writes

    def repeatable(self, method: str) -> bool:
        """Return True if the operation accepts an Idempotency-Key: every authenticated POST."""
        return method.lower() == "post" and not self.public


def operation(summary: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a method of an `Endpoint`; its docstring becomes the description. Options: see `Operation`."""

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        method.operation = Operation(summary, **options)  # type: ignore[attr-defined]
        return method

    return decorate


def names(order: Sequence[str]) -> list[str]:
    """List the values of `?order=`: each name ascending, and descending with a minus."""
    return [sign + name for name in order for sign in ("", "-")]
