"""Encryption at rest: a text column whose database value is AES-256-GCM, bound to its column.

The key is WHATSFLOW_ENCRYPTION_KEY (comma-separated, the first encrypts, all decrypt), kept apart from SECRET_KEY.
Format: "v1:" + base64url(12 bytes nonce + ciphertext + tag); the associated data is "table.column", so that a value
cannot be moved to another column. Renaming a table or column requires encrypting it again. Values in any other format
are rejected, so that an encrypted value cannot be replaced by a plain one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.lookups import Exact, IsNull

_PREFIX = "v1:"


def _keys() -> list[bytes]:
    try:
        keys = [base64.urlsafe_b64decode(key) for key in settings.ENCRYPTION_KEYS]
    except (binascii.Error, ValueError):
        keys = []
    if not keys or any(len(key) != 32 for key in keys):
        raise ImproperlyConfigured("WHATSFLOW_ENCRYPTION_KEY must hold keys of 32 bytes in base64url")
    return keys


def encrypt(plain: bytes, context: str) -> bytes:
    """Encrypt with the first key to nonce + ciphertext + tag. `decrypt` needs the same context."""
    nonce = os.urandom(12)
    return nonce + AESGCM(_keys()[0]).encrypt(nonce, plain, context.encode())


def decrypt(sealed: bytes, context: str) -> bytes:
    """Decrypt with any of the keys. Raises ValueError if no key fits or the value was changed."""
    if len(sealed) < 12 + 16:
        raise ValueError("This value is too short to be an encrypted one")
    for key in _keys():
        try:
            return AESGCM(key).decrypt(sealed[:12], sealed[12:], context.encode())
        except InvalidTag:
            continue
    raise ValueError("This value was encrypted with a key that is not configured, or it was changed")


def fingerprint(secret: str) -> str:
    """Hash with SHA-256 to hex, for the storage of random tokens."""
    return hashlib.sha256(secret.encode()).hexdigest()


class _IsEmpty(Exact):
    """Lookup `field=""`. Other values raise ValueError: they would match nothing."""

    def get_prep_lookup(self) -> Any:
        if self.rhs != "":
            raise ValueError("An encrypted column can only be compared with the empty text")
        return self.rhs


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted in the database. Not searchable. Empty text is not encrypted."""

    description = "Encrypted text"

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        if text in (None, ""):
            return text
        sealed = encrypt(text.encode(), self._context())
        return _PREFIX + base64.urlsafe_b64encode(sealed).decode()

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        if value is None or value == "":
            return value
        if not value.startswith(_PREFIX):
            raise ValueError(f"{self._context()} holds a value that is not encrypted")
        sealed = base64.urlsafe_b64decode(value[len(_PREFIX) :])
        return decrypt(sealed, self._context()).decode()

    def get_lookup(self, lookup_name: str) -> Any:
        """Allow tests for emptiness only: each encryption of one text differs."""
        return {"exact": _IsEmpty, "isnull": IsNull}.get(lookup_name)

    def _context(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"
