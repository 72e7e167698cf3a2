"""Create, authenticate, rotate and revoke API keys.

A key is `wf_<prefix>_<secret>`. The prefix finds the row; only the SHA-256 of the key is stored, which is enough for a
secret of 40 random letters and digits.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts import scopes as scope_names
from accounts import selectors
from accounts.models import ApiKey, BusinessProfile, User
from accounts.services import audit
from core.clock import now
from core.errors import Conflict, Forbidden, InvalidInput, Unauthorized
from core.security.crypto import fingerprint
from core.text import printable

MARK = "wf_"
ALPHABET = string.ascii_letters + string.digits
PREFIX_LENGTH = 10
SECRET_LENGTH = 40
MAX_NETWORKS = 50
USE_PRECISION = timedelta(minutes=1)
"""Precision of `last_used_at`: it is not written for each request."""


def create(
    business: BusinessProfile,
    actor: User,
    *,
    name: str,
    scopes: Sequence[str],
    allowed_ips: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Create a key. Returns (row, key); the key itself is not stored. Raises InvalidInput."""
    if expires_at is not None and expires_at <= now():
        raise InvalidInput("expiry_in_past", "Choose a day that is still to come.", field="expires_at")
    return _create(
        business,
        actor,
        "api_key.created",
        name=_clean_name(name),
        scopes=scope_names.validate(scopes),
        allowed_ips=clean_networks(allowed_ips),
        expires_at=expires_at,
    )


def rotate(
    business: BusinessProfile, actor: User, key_id: UUID, *, overlap: timedelta = timedelta(0)
) -> tuple[ApiKey, str]:
    """Create a key with the same settings and end the old one after `overlap`. Returns (row, key).

    Raises NotFound, and Conflict("key_revoked") if the old key has ended.
    """
    with transaction.atomic():
        old = selectors.get_api_key(business, key_id, lock=True)
        _require_usable(old)
        created = _create(
            business,
            actor,
            "api_key.rotated",
            name=old.name,
            scopes=old.scopes,
            allowed_ips=old.allowed_ips,
            expires_at=old.expires_at,
            replaces=str(old.pk),
        )
        if overlap:
            end = now() + overlap
            old.expires_at = min(old.expires_at, end) if old.expires_at else end
            old.save(update_fields=["expires_at", "updated_at"])
        else:
            _end(old)
    return created


def revoke(business: BusinessProfile, actor: User, key_id: UUID) -> ApiKey:
    """End a key at once; no-op if it has ended. Raises NotFound."""
    with transaction.atomic():
        key = selectors.get_api_key(business, key_id, lock=True)
        if key.is_active:
            _end(key)
            audit.record(business, actor, "api_key.revoked", key)
    return key


def authenticate(text: str, address: str | None) -> ApiKey:
    """Return the row of a key, with its business and creator; one query.

    address: the client's IP address. Raises Unauthorized, Forbidden("ip_not_allowed").
    """
    mark, _, rest = text.partition("_")
    prefix, _, _secret = rest.partition("_")
    key = selectors.api_key_by_prefix(prefix) if f"{mark}_" == MARK and len(text) <= 200 else None
    if not hmac.compare_digest(key.key_hash if key else "", fingerprint(text)) or key is None:
        raise Unauthorized("invalid_api_key", "There is no such API key.")
    if not key.is_active or key.business_profile.deleted_at:
        raise Unauthorized("api_key_revoked", "This API key was revoked. Make a new one in the dashboard.")
    if key.expires_at and key.expires_at <= now():
        raise Unauthorized("api_key_expired", "This API key has expired. Make a new one in the dashboard.")
    if key.allowed_ips and not _within(address, key.allowed_ips):
        raise Forbidden("This API key may not be used from your address.", code="ip_not_allowed")
    _record_use(key, address)
    return key


def clean_networks(texts: Sequence[str]) -> list[str]:
    """Normalise IP addresses and networks. Raises InvalidInput("invalid_network", "too_many_networks")."""
    networks = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            raise InvalidInput(
                "invalid_network",
                f"{text.strip()[:50]!r} is no address. Write 203.0.113.7 or 203.0.113.0/24.",
                field="allowed_ips",
            ) from None
        networks.append(str(network.network_address) if network.num_addresses == 1 else str(network))
    if len(networks) > MAX_NETWORKS:
        raise InvalidInput(
            "too_many_networks", f"At most {MAX_NETWORKS} addresses can be listed.", field="allowed_ips"
        )
    return list(dict.fromkeys(networks))


def _create(business: BusinessProfile, actor: User, action: str, **fields: object) -> tuple[ApiKey, str]:
    replaces = fields.pop("replaces", None)
    prefix, secret = _random(PREFIX_LENGTH), _random(SECRET_LENGTH)
    text = f"{MARK}{prefix}_{secret}"
    with transaction.atomic():
        key = ApiKey.objects.create(
            business_profile=business, created_by=actor, prefix=prefix, key_hash=fingerprint(text), **fields
        )
        more = {"replaces": replaces} if replaces else {}
        audit.record(business, actor, action, key, scopes=key.scopes, **more)
    return key, text


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _clean_name(name: str) -> str:
    name = printable(name)
    if not name:
        raise InvalidInput("name_missing", "Give the key a name, so that you know it again.", field="name")
    if len(name) > 100:
        raise InvalidInput("name_too_long", "Use at most 100 characters for the name.", field="name")
    return name


def _require_usable(key: ApiKey) -> None:
    if not key.is_active or (key.expires_at and key.expires_at <= now()):
        raise Conflict("key_revoked", "This key has ended already. Make a new one.")


def _end(key: ApiKey) -> None:
    key.is_active, key.revoked_at = False, now()
    key.save(update_fields=["is_active", "revoked_at", "updated_at"])


def _within(address: str | None, networks: Sequence[str]) -> bool:
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return any(ip in ipaddress.ip_network(network) for network in networks)


def _record_use(key: ApiKey, address: str | None) -> None:
    moment = now()
    if key.last_used_at is None or moment - key.last_used_at >= USE_PRECISION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=moment, last_used_ip=address)
