"""Addresses whose module is loaded by the first request to one of them, or for the first of their names."""

from __future__ import annotations

from django.urls import URLResolver
from django.urls.resolvers import RoutePattern


class LateInclude(URLResolver):
    """As `path(route, include(module), ...)`, later. Needs a namespace: names without one are all collected at once."""

    def __init__(self, route: str, module: str, *, namespace: str) -> None:
        super().__init__(RoutePattern(route), module, app_name=namespace, namespace=namespace)

    def _populate(self) -> None:
        """Collect the names for `reverse`. Django asks each part for that when it first looks for any name at all."""
        if "urlconf_module" in self.__dict__:
            super()._populate()
