"""Every address of the site, for tests that try all of them in one loop and name each that fails.

The list is read from the URL configuration.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core import serializers
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import Membership
from messaging.models import MediaFile
from tests.conftest import forget_what_is_cached

CANARY = "canary-of-the-other-tenant"
OTHER_MATRIX = {"admin", "api"}
"""Namespaces that are not in `ROUTES`: admin is for operators, across tenants, by design
(`test_operators_admin_is_closed_to_members`); the API has its own matrix, tests/api/test_matrix.py."""
BY_SECRET = {"token", "uidb64"}
"""Parameters that are a secret instead of a tenant's id."""


@dataclass(frozen=True)
class Route:
    """One named address and the names of its parameters."""

    name: str
    parameters: tuple[str, ...]

    def __str__(self) -> str:
        return self.name

    def address(self, rows: dict[str, Any], secret: str = "secret") -> str:
        """The path with the ids of `rows`, and `secret` for what is no id."""
        missing = set(self.parameters) - set(rows) - BY_SECRET
        assert not missing, f"{self} has parameters without a row in tests/one_of_each.py: {missing}"
        values = {name: rows[name].pk if name in rows else secret for name in self.parameters}
        return reverse(self.name, kwargs=values)


def _routes(patterns: list[Any], namespace: str = "") -> Iterator[Route]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = ":".join(filter(None, [namespace, pattern.namespace or ""]))
            if inner not in OTHER_MATRIX:
                yield from _routes(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield Route(f"{namespace}:{pattern.name}".lstrip(":"), tuple(pattern.pattern.converters))


ROUTES = sorted(_routes(get_resolver().url_patterns), key=str)
WITH_IDS = [route for route in ROUTES if route.parameters and not set(route.parameters) & BY_SECRET]
WITHOUT_IDS = [route for route in ROUTES if not route.parameters and route.name != "api:unknown"]


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block does to the database and the cache, so that the next case starts like this one."""
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        forget_what_is_cached()


@dataclass
class Cases:
    """The cases of one test: each is undone, and those that fail are named together at the end.

    `with cases.case(route): ...` for each, then `cases.check()`. at_least: fewer than these cases are a failure.
    """

    at_least: int = 1
    count: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def case(self, name: object) -> Iterator[None]:
        """Note what the block raises under `name`."""
        self.count += 1
        try:
            with undone():
                yield
        except Exception:
            self.failed[str(name)] = traceback.format_exc(limit=-4)

    def check(self) -> None:
        """Fail with every case that failed."""
        assert not self.failed, f"{len(self.failed)} of {self.count} cases:\n" + "\n".join(
            f"{name}: {what}" for name, what in self.failed.items()
        )
        assert self.count >= self.at_least, f"only {self.count} cases"


def rows_as_text(foreign: dict[str, Any]) -> str:
    """Everything that the business of these rows has, as text, to see that nothing was changed."""
    fresh = []
    for row in foreign.values():
        manager = type(row)._default_manager
        fresh.extend(manager.filter(pk=row.pk))
    fresh.extend(MediaFile.objects.filter(business_profile=foreign["media_id"].business_profile))
    fresh.extend(Membership.objects.filter(business_profile=foreign["membership_id"].business_profile))
    return serializers.serialize("json", sorted(fresh, key=lambda row: str(row.pk)))
