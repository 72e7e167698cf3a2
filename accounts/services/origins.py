"""Origins that a business allows to call the API from a browser (CORS); none by default."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.db import transaction

from accounts.models import BusinessProfile, CorsOrigin, User
from accounts.selectors import origins_of
from accounts.services import audit
from accounts.services.businesses import lock
from core.errors import InvalidInput

MAX_ORIGINS = 20


def replace(business: BusinessProfile, actor: User, texts: Sequence[str]) -> list[str]:
    """Replace the allowed origins. Returns them, normalised and sorted.

    Raises InvalidInput("invalid_origin", "too_many_origins").
    """
    allowed = sorted({_normalize(text) for text in texts})
    if len(allowed) > MAX_ORIGINS:
        raise InvalidInput(
            "too_many_origins", f"At most {MAX_ORIGINS} web sites can be allowed.", field="origins"
        )
    with transaction.atomic():
        business = lock(business)
        rows = CorsOrigin.objects.filter(business_profile=business)
        before = set(rows.values_list("origin", flat=True))
        if before == set(allowed):
            return allowed
        rows.exclude(origin__in=allowed).delete()
        CorsOrigin.objects.bulk_create(
            CorsOrigin(business_profile=business, origin=origin) for origin in allowed if origin not in before
        )
        audit.record(business, actor, "origins.changed", business, count=len(allowed))
    return allowed


def lock_origins(business: BusinessProfile) -> list[str]:
    """List the allowed origins and lock them until the transaction ends."""
    return origins_of(lock(business))


def is_allowed(origin: str, business: BusinessProfile | None = None) -> bool:
    """Return whether `business`, or any business if it is None, allows `origin`."""
    rows = CorsOrigin.objects.filter(origin=origin.lower()[:255], business_profile__deleted_at=None)
    return (rows.filter(business_profile=business) if business else rows).exists()


def _normalize(text: str) -> str:
    """Return the origin as browsers send it. Raises InvalidInput("invalid_origin")."""
    try:
        parts = urlsplit(text.strip().lower().rstrip("/"))
        port = parts.port
    except ValueError:
        raise _refusal(text) from None
    local = parts.hostname in ("localhost", "127.0.0.1")
    is_origin = (parts.path, parts.query, parts.fragment, parts.username) == ("", "", "", None)
    if (
        not is_origin
        or not parts.hostname
        or parts.scheme not in (("http", "https") if local else ("https",))
    ):
        raise _refusal(text)
    if not parts.netloc.isascii() or any(letter in parts.netloc for letter in " ,;*'\"<>\\"):
        raise _refusal(text)
    default_port = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != default_port else "")


def _refusal(text: str) -> InvalidInput:
    return InvalidInput(
        "invalid_origin", f"{text[:60]!r} is no web site. Write it as https://shop.example.", field="origins"
    )
