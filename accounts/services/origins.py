"""Web sites whose pages may call the API from a browser (CORS). None, until somebody allows one."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.db import transaction

from accounts.models import BusinessProfile, CorsOrigin, User
from accounts.selectors import origins_of
from accounts.services import audit
from accounts.services.businesses import lock
from core.errors import InvalidInput

MOST = 20


def replace(business: BusinessProfile, actor: User, texts: Sequence[str]) -> list[str]:
    """Allow these and no others; returns them, sorted. Raises InvalidInput("invalid_origin", "too_many_origins")."""
    wanted = sorted({_cleaned(text) for text in texts})
    if len(wanted) > MOST:
        raise InvalidInput("too_many_origins", f"At most {MOST} web sites can be allowed.", field="origins")
    with transaction.atomic():
        business = lock(business)
        rows = CorsOrigin.objects.filter(business_profile=business)
        had = set(rows.values_list("origin", flat=True))
        if had == set(wanted):
            return wanted
        rows.exclude(origin__in=wanted).delete()
        CorsOrigin.objects.bulk_create(
            CorsOrigin(business_profile=business, origin=origin) for origin in wanted if origin not in had
        )
        audit.record(business, actor, "origins.changed", business, count=len(wanted))
    return wanted


def held(business: BusinessProfile) -> list[str]:
    """The allowed sites, which nobody else changes until the transaction ends."""
    return origins_of(lock(business))


def is_allowed(origin: str, business: BusinessProfile | None = None) -> bool:
    """Whether some business, or this one, lets pages of `origin` call the API."""
    rows = CorsOrigin.objects.filter(origin=origin.lower()[:255], business_profile__deleted_at=None)
    return (rows.filter(business_profile=business) if business else rows).exists()


def _cleaned(text: str) -> str:
    """The origin as browsers send it."""
    try:
        parts = urlsplit(text.strip().lower().rstrip("/"))
        port = parts.port
    except ValueError:
        raise _refusal(text) from None
    local = parts.hostname in ("localhost", "127.0.0.1")
    whole = (parts.path, parts.query, parts.fragment, parts.username) == ("", "", "", None)
    if not whole or not parts.hostname or parts.scheme not in (("http", "https") if local else ("https",)):
        raise _refusal(text)
    if not parts.netloc.isascii() or any(letter in parts.netloc for letter in " ,;*'\"<>\\"):
        raise _refusal(text)
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != usual else "")


def _refusal(text: str) -> InvalidInput:
    return InvalidInput(
        "invalid_origin", f"{text[:60]!r} is no web site. Write it as https://shop.example.", field="origins"
    )
