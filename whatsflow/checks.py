"""System checks of the configuration, for `manage.py check` and at the start of `manage.py up`.

Most are active with WHATSFLOW_PRODUCTION=1 only, to leave development and the embedded default alone. Two always apply:
unusable keys, and SQLite with several processes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

MIN_SECRET_LENGTH = 50
KEY_BYTES = 32


@register(Tags.security)
def check_configuration(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Run all checks for the role "all"."""
    return list(find_errors())


def find_errors(role: str = "all") -> list[Error]:
    """List the errors in the settings that prevent starting `role`."""
    problems = [*_unusable_keys(), *_sqlite_shared(role)]
    if settings.PRODUCTION:
        problems += [*_secret_key(), *_debugging(), *_addresses()]
    return problems


def _error(number: int, message: str, hint: str) -> Error:
    return Error(message, hint=hint, id=f"whatsflow.E{number:03}")


def _unusable_keys() -> Iterator[Error]:
    make_one = (
        "Make one with: python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'. "
        "Keep it apart from the database's backups; without it stored logins cannot be read."
    )
    if not settings.ENCRYPTION_KEYS:
        yield _error(1, "WHATSFLOW_ENCRYPTION_KEY is not set.", make_one)
    for position, key in enumerate(settings.ENCRYPTION_KEYS, start=1):
        problem = _key_problem(key)
        if problem:
            yield _error(2, f"Key {position} in WHATSFLOW_ENCRYPTION_KEY {problem}.", make_one)


def _key_problem(key: str) -> str:
    try:
        raw = base64.b64decode(key.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return "is not valid base64url"
    if len(raw) != KEY_BYTES:
        return f"has {len(raw)} bytes instead of {KEY_BYTES}"
    if len(set(raw)) < 8:
        return "is not random"
    return ""


def _sqlite_shared(role: str) -> Iterator[Error]:
    if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return
    if settings.REDIS_URL:
        yield _error(
            3,
            "SQLite cannot serve several processes, and REDIS_URL asks for several.",
            "Set DATABASE_URL to a PostgreSQL database, or leave REDIS_URL unset.",
        )
    elif role != "all":
        yield _error(
            4,
            f"The role {role!r} alone needs PostgreSQL and Redis.",
            "Set DATABASE_URL and REDIS_URL, or start everything in one process with: manage.py up",
        )


def _secret_key() -> Iterator[Error]:
    hint = (
        "Set WHATSFLOW_SECRET_KEY (or WHATSFLOW_SECRET_KEY_FILE) to 50 random characters or more: "
        "python -c 'import secrets; print(secrets.token_urlsafe(64))'"
    )
    key = settings.SECRET_KEY
    if settings.SECRET_KEY_MISSING:
        yield _error(5, "WHATSFLOW_SECRET_KEY is not set.", hint)
    elif len(key) < MIN_SECRET_LENGTH or len(set(key)) < 8:
        yield _error(6, "WHATSFLOW_SECRET_KEY is too short or not random.", hint)
    elif any(word in key.lower() for word in ("django-insecure", "change-me", "changeme", "example")):
        yield _error(7, "WHATSFLOW_SECRET_KEY is a published default.", hint)
    if key and key in settings.ENCRYPTION_KEYS:
        yield _error(
            8, "WHATSFLOW_SECRET_KEY and WHATSFLOW_ENCRYPTION_KEY are the same.", "Use two different keys."
        )


def _debugging() -> Iterator[Error]:
    if settings.DEBUG:
        yield _error(
            9,
            "WHATSFLOW_DEBUG shows source code and settings to every visitor.",
            "Leave WHATSFLOW_DEBUG unset.",
        )
    if settings.FAILPOINTS:
        yield _error(
            10, "WHATSFLOW_FAILPOINTS stops the process on purpose.", "It is for tests; leave it unset."
        )


def _addresses() -> Iterator[Error]:
    if not settings.HTTPS:
        yield _error(
            11,
            "WHATSFLOW_URL is not an https:// address, so passwords and sessions would travel readable.",
            "Put WhatsFlow behind a proxy with a certificate and set WHATSFLOW_URL to its https:// address.",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield _error(
            12,
            "WHATSFLOW_HOSTS allows every host name, so links in mails could be made to point elsewhere.",
            "List the names under which the site is reached.",
        )
    if settings.OUTBOUND_HTTP_ALLOWED_HOSTS:
        yield _error(
            13,
            "WHATSFLOW_HTTP_ALLOWED_HOSTS opens private addresses to outbound requests.",
            "It is for development; leave it unset.",
        )
