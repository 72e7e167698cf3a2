"""Encrypted copies of logins in the media storage, so that any worker can restore them.

Generations are "<lease epoch>.<count>" and sort as text: a copy written by a worker that has lost its lease sorts below
those of the new holder. Each copy is bound to its connection and generation, so that none can replace another.
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

COPIES = 2
_NAME = re.compile(r"\d{12}\.\d{6}")


class LoginArchive:
    """Implementation of `connections.drivers.whatsapp_web.profile.Archive` for one holder of a connection's lease."""

    def __init__(self, connection_id: UUID) -> None:
        self.connection_id = connection_id
        self.epoch = _epoch(connection_id)
        self.options = options()

    def newest(self) -> str:
        return max(self._generations(), default="")

    def load(self, generation: str) -> bytes:
        with default_storage.open(self._path(generation), "rb") as file:
            return crypto.decrypt(file.read(), self._context(generation))

    def save(self, data: bytes) -> str:
        if not self._holds_lease():
            return ""
        known = self._generations()
        _, _, count = max(known, default="").rpartition(".")
        generation = f"{self.epoch:012d}.{int(count or 0) + 1:06d}"
        encrypted = crypto.encrypt(data, self._context(generation))
        default_storage.save(self._path(generation), ContentFile(encrypted))
        for old in sorted(known)[: 1 - COPIES]:
            default_storage.delete(self._path(old))
        log.info("session_archived", connection_id=str(self.connection_id), bytes=len(encrypted))
        return generation

    def clear(self) -> None:
        if self._holds_lease():
            remove_tree(_directory(self.connection_id))

    def _holds_lease(self) -> bool:
        return _epoch(self.connection_id) == self.epoch

    def _generations(self) -> list[str]:
        try:
            names = default_storage.listdir(_directory(self.connection_id))[1]
        except FileNotFoundError:
            return []
        return [name for name in names if _NAME.fullmatch(name)]

    def _path(self, generation: str) -> str:
        return f"{_directory(self.connection_id)}/{generation}"

    def _context(self, generation: str) -> str:
        return f"session:{self.connection_id}:{generation}"


def options() -> Options:
    """Build the browser settings of this installation."""
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
    """Return which requirement of WhatsApp Web this machine lacks, or ""."""
    return options().missing()


def remove_sessions(business_id: UUID) -> None:
    """Delete the logins of a deleted business, on this machine and in the storage."""
    rows = WhatsAppConnection.objects.filter(business_profile_id=business_id)
    for connection_id in rows.values_list("pk", flat=True):
        delete_login(connection_id)


def delete_login(connection_id: UUID) -> None:
    """Delete every copy of a number's login, and this machine's browser profile."""
    remove_tree(_directory(connection_id))
    remove_profile(connection_id)


def remove_profile(connection_id: UUID) -> None:
    """Delete this machine's browser profile of a number."""
    shutil.rmtree(settings.WHATSAPP_WEB_HOME / str(connection_id), ignore_errors=True)


def _directory(connection_id: UUID) -> str:
    return f"sessions/{connection_id}"


def _epoch(connection_id: UUID) -> int:
    epoch = WhatsAppConnection.objects.filter(pk=connection_id).values_list("lease_epoch", flat=True).first()
    return -1 if epoch is None else epoch
