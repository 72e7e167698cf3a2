"""Where the static files' addresses come from. They stay the same while a process runs, so each is made once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class _Remembered(StaticFilesStorage):
    """Remembers the addresses that it gives, except while somebody develops (DEBUG)."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._addresses: dict[tuple[str, bool], str] = {}

    def url(self, name: Any, force: bool = False) -> str:
        """The address of the file `name`. force: the hashed one, whatever the settings."""
        if settings.DEBUG:
            return self._made(name, force)
        if (name, force) not in self._addresses:
            self._addresses[name, force] = self._made(name, force)
        return self._addresses[name, force]

    def _made(self, name: str, force: bool) -> str:
        make: Any = super().url
        return str(
            make(name, force) if isinstance(self, CompressedManifestStaticFilesStorage) else make(name)
        )


class Plain(_Remembered):
    """Files under their own names."""


class Hashed(_Remembered, CompressedManifestStaticFilesStorage):
    """Files under names with a hash of what is in them, compressed."""
