"""Copies of the numbers' logins in the media storage, encrypted, so that any worker can go on with them.

Generations are "<lease epoch>.<count>" and sort as text: what a worker writes that has lost its lease meanwhile sorts
below the new owner's copies. Each is bound to its connection and generation: none can be put in another's place.
"""

from __future__ import annotations

import re
import shutil
from uuid import UUID

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from connections.drivers.whatsapp_web.options import Options
from connections.models import WhatsAppConnection
from core.files.storage import remove_tree
from core.security import crypto

log = structlog.get_logger(__name__)

KEPT = 2
_NAME = re.compile(r"\d{12}\.\d{6}")


class SessionVault:
    """Implements `connections.drivers.whatsapp_web.profile.Vault` for one connection, for one holder of its lease."""

    def __init__(self, connection_id: UUID) -> None:
        self.connection_id = connection_id
        self.epoch = _epoch(connection_id)
        self.options = options()

    def newest(self) -> str:
        return max(self._generations(), default="")

    def load(self, generation: str) -> bytes:
        with default_storage.open(self._place(generation), "rb") as file:
            return crypto.decrypt(file.read(), self._context(generation))

    def keep(self, data: bytes) -> str:
        if not self._ours():
            return ""
        known = self._generations()
        _, _, count = max(known, default="").rpartition(".")
        generation = f"{self.epoch:012d}.{int(count or 0) + 1:06d}"
        sealed = crypto.encrypt(data, self._context(generation))
        default_storage.save(self._place(generation), ContentFile(sealed))
        for old in sorted(known)[: 1 - KEPT]:
            default_storage.delete(self._place(old))
        log.info("session_archived", connection_id=str(self.connection_id), bytes=len(sealed))
        return generation

    def clear(self) -> None:
        if self._ours():
            remove_tree(_directory(self.connection_id))

    def _ours(self) -> bool:
        return _epoch(self.connection_id) == self.epoch

    def _generations(self) -> list[str]:
        try:
            names = default_storage.listdir(_directory(self.connection_id))[1]
        except FileNotFoundError:
            return []
        return [name for name in names if _NAME.fullmatch(name)]

    def _place(self, generation: str) -> str:
        return f"{_directory(self.connection_id)}/{generation}"

    def _context(self, generation: str) -> str:
        return f"session:{self.connection_id}:{generation}"


def options() -> Options:
    """What this installation says about browsers."""
    return Options(
        home=settings.WHATSAPP_WEB_HOME,
        bundle=settings.WHATSAPP_WEB_BUNDLE,
        chromium=settings.WHATSAPP_WEB_CHROMIUM,
        chromedriver=settings.WHATSAPP_WEB_CHROMEDRIVER,
        remote_url=settings.SELENIUM_REMOTE_URL,
        remote_profiles=settings.SELENIUM_REMOTE_PROFILES,
        flags=tuple(settings.WHATSAPP_WEB_BROWSER_ARGS),
        ready_timeout=settings.WHATSAPP_WEB_READY_SECONDS,
        recycle_after=settings.WHATSAPP_WEB_RECYCLE_HOURS * 3600,
        memory_limit=settings.WHATSAPP_WEB_MEMORY_MB * 2**20,
        history_chats=settings.WHATSAPP_WEB_HISTORY_CHATS,
        history_messages=settings.WHATSAPP_WEB_HISTORY_MESSAGES,
        archive_limit=settings.WHATSAPP_WEB_ARCHIVE_MB * 2**20,
        file_limit=settings.MEDIA_MAX_BYTES["document"],
    )


def missing() -> str:
    """What keeps real numbers from being linked on this machine; "" when nothing does."""
    return options().missing()


def remove_sessions(business_id: UUID) -> None:
    """Delete the logins of a business that is deleted, here and in the storage."""
    rows = WhatsAppConnection.objects.filter(business_profile_id=business_id)
    for connection_id in rows.values_list("pk", flat=True):
        forget(connection_id)


def forget(connection_id: UUID) -> None:
    """Delete every copy of a number's login, and this machine's browser profile."""
    remove_tree(_directory(connection_id))
    remove_profile(connection_id)


def remove_profile(connection_id: UUID) -> None:
    """Delete this machine's browser profile of a number."""
    shutil.rmtree(settings.WHATSAPP_WEB_HOME / str(connection_id), ignore_errors=True)


def _directory(connection_id: UUID) -> str:
    return f"sessions/{connection_id}"


def _epoch(connection_id: UUID) -> int:
    found = WhatsAppConnection.objects.filter(pk=connection_id).values_list("lease_epoch", flat=True).first()
    return -1 if found is None else found
