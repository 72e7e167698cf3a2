"""Authentication by API key or access token, and selection of the business."""

from __future__ import annotations

from typing import Any, cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.access import Access, access_to, find_access
from accounts.lockout import client_address
from accounts.models import User
from accounts.roles import Role
from accounts.services import audit, keys, tokens
from core.errors import NotFound, Unauthorized

BUSINESS_HEADER = "X-Business-Id"


class ApiAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key or access token>`, or `X-API-Key: <key>`.

    A key belongs to one business. A user with several businesses selects one by X-Business-Id; the default is the
    oldest membership. `request.auth` is the Access, None for a user without a business.
    """

    def authenticate(self, request: Request) -> tuple[User, Access | None] | None:
        """Return the user and their Access, None without credentials.

        Raises Unauthorized, Forbidden, or NotFound for a business that is not the caller's.
        """
        credential = _credential(request)
        if credential is None:
            return None
        if credential.startswith(keys.MARK):
            access = _by_key(request, credential)
            return access.user, access
        user = tokens.user_of(credential)
        return user, _by_membership(request, user)

    def authenticate_header(self, request: Request) -> str:
        """Return the WWW-Authenticate header of a 401."""
        return 'Bearer realm="WhatsFlow"'


def _credential(request: Request) -> str | None:
    key = request.headers.get("X-API-Key")
    bearer = request.headers.get("Authorization")
    if key is not None and bearer is not None:
        raise Unauthorized("two_credentials", "Send either Authorization or X-API-Key, not both.")
    if key is not None:
        if not key.startswith(keys.MARK):
            raise Unauthorized("invalid_api_key", "There is no such API key.")
        return key
    if bearer is None:
        return None
    scheme, _, value = bearer.partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise Unauthorized("invalid_token", "Write the header as Authorization: Bearer <key or token>.")
    return value.strip()


def _by_key(request: Request, credential: str) -> Access:
    key = keys.authenticate(credential, client_address(cast(Any, request)))
    business = key.business_profile
    chosen = request.headers.get(BUSINESS_HEADER)
    if chosen is not None and chosen.strip().lower() != str(business.pk):
        raise NotFound("This business")
    audit.acting_key.set(str(key.pk))
    return Access(key.created_by or business.user, business, Role.ADMIN, key)


def _by_membership(request: Request, user: User) -> Access | None:
    chosen: Any = request.headers.get(BUSINESS_HEADER)
    if chosen is None:
        return find_access(user, None)
    access = access_to(user, chosen.strip())
    if access is None:
        raise NotFound("This business")
    return access
