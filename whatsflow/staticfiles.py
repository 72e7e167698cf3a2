"""Storages of static files that cache the URLs, which are constant while a process runs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class _CachedURLs(StaticFilesStorage):
    """Storage that caches the URLs, except with DEBUG."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._urls: dict[tuple[str, bool], str] = {}

    def url(self, name: Any, force: bool = False) -> str:
        """Return the URL of the file `name`. force: the hashed one, whatever the settings."""
        if settings.DEBUG:
            return self._build_url(name, force)
        if (name, force) not in self._urls:
            self._urls[name, force] = self._build_url(name, force)
        return self._urls[name, force]

    def _build_url(self, name: str, force: bool) -> str:
        parent_url: Any = super().url
        return str(
            parent_url(name, force)
            if isinstance(self, CompressedManifestStaticFilesStorage)
            else parent_url(name)
        )


class Plain(_CachedURLs):
    """Storage of files under their own names."""


class Hashed(_CachedURLs, CompressedManifestStaticFilesStorage):
    """Storage of compressed files under names with a hash of their content."""
