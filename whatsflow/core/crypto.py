"""Encryption at rest: a text column whose database value is AES-256-GCM, bound to its column.

The key is WHATSFLOW_ENCRYPTION_KEY (comma-separated, the first encrypts, all decrypt), kept apart from SECRET_KEY.
Format: "v1:" + base64url(12 bytes nonce + ciphertext + tag); the associated data is "table.column", so that a value cannot
be moved to another column.
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

_PREFIX = "v1:"


def generate_key() -> str:
    """A new key: 32 random bytes in base64url."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def _keys() -> list[bytes]:
    keys = [base64.urlsafe_b64decode(key) for key in settings.ENCRYPTION_KEYS]
    if not keys or any(len(key) != 32 for key in keys):
        raise ImproperlyConfigured("WHATSFLOW_ENCRYPTION_KEY must hold keys of 32 bytes in base64url")
    return keys


def encrypt(plain: bytes, context: str) -> bytes:
    """nonce + ciphertext + tag under the first key. `context` must be given again to decrypt."""
    nonce = os.urandom(12)
    return nonce + AESGCM(_keys()[0]).encrypt(nonce, plain, context.encode())


def decrypt(sealed: bytes, context: str) -> bytes:
    """The reverse of `encrypt`, with any of the keys. Raises ValueError when none fits or it was changed."""
    for key in _keys():
        try:
            return AESGCM(key).decrypt(sealed[:12], sealed[12:], context.encode())
        except InvalidTag:
            continue
    raise ValueError("This value was encrypted with a key that is not configured, or it was changed")


def fingerprint(secret: str) -> str:
    """SHA-256 in hex: how tokens with enough randomness of their own are kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


class EncryptedTextField(models.TextField):
    """Text that is encrypted in the database. Cannot be searched. Empty stays empty."""

    description = "Encrypted text"

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        if text in (None, ""):
            return text
        sealed = encrypt(text.encode(), self._context())
        return _PREFIX + base64.urlsafe_b64encode(sealed).decode()

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        if value in (None, "") or not str(value).startswith(_PREFIX):
            return value
        sealed = base64.urlsafe_b64decode(str(value)[len(_PREFIX) :])
        return decrypt(sealed, self._context()).decode()

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name in ("exact", "isnull"):
            return super().get_lookup(lookup_name)
        return None

    def _context(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"
