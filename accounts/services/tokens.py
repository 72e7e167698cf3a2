"""API sessions with access and refresh tokens (JWT).

A refresh token is valid once; reusing one ends its session, because it has leaked. Signing out, a new password, a
deactivated account and leaving a team invalidate access tokens at once, because each request looks up the session
(`api_sessions` ends them).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.models import TokenSession, User
from core.clock import now
from core.db.compiled_queries import Prepared
from core.errors import Unauthorized
from core.ids import uuid7

SESSION_CLAIM = "sid"
REUSE_GRACE = timedelta(seconds=30)
"""A refresh token reused this soon is a retry after a lost response, not a theft."""


@dataclass(frozen=True)
class TokenPair:
    """Access and refresh token. expires_in: lifetime of the access token in seconds."""

    access: str
    refresh: str
    expires_in: int


def open_session(user: User) -> TokenPair:
    """Open a session for a user whose credentials have been checked."""
    session = TokenSession(id=uuid7(), user=user)
    token = _refresh_token(user, session)
    return _issue(session, token, force_insert=True)


def refresh(text: str) -> TokenPair:
    """Exchange a refresh token for a new pair. Raises Unauthorized."""
    pair = _rotate(_parse(RefreshToken, text))
    if pair is None:
        raise Unauthorized("invalid_token", "This refresh token was used before. Sign in again.")
    return pair


def close_session(text: str) -> None:
    """End the session of a refresh token, with all its tokens. Raises Unauthorized for an invalid token."""
    token = _parse(RefreshToken, text)
    TokenSession.objects.filter(pk=_session_id(token), ended_at=None).update(ended_at=now())


def user_of(text: str) -> User:
    """Return the user of a valid access token; one query. Raises Unauthorized."""
    token = _parse(AccessToken, text)
    session = _open_sessions.first(_session_id(token))
    if session is None:
        raise Unauthorized("invalid_token", "This session has ended. Sign in again.")
    _check_user(session.user, token)
    return session.user


_open_sessions = Prepared[TokenSession](
    lambda session: TokenSession.objects.select_related("user").filter(pk=session, ended_at__isnull=True)
)


def _rotate(token: Any) -> TokenPair | None:
    """Issue a new pair. Returns None for a token that was used before, and ends its session after REUSE_GRACE."""
    with transaction.atomic():
        rows = TokenSession.objects.select_for_update(of=("self",)).select_related("user")
        session = rows.filter(pk=_session_id(token), ended_at=None).first()
        if session is None:
            raise Unauthorized("invalid_token", "This session has ended. Sign in again.")
        _check_user(session.user, token)
        if session.refresh_id == token["jti"]:
            return _issue(session, _refresh_token(session.user, session))
        if now() - session.refreshed_at > REUSE_GRACE:
            TokenSession.objects.filter(pk=session.pk).update(ended_at=now())
    return None


def _refresh_token(user: User, session: TokenSession) -> Any:
    token = RefreshToken.for_user(user)
    token[SESSION_CLAIM] = str(session.pk)
    return token


def _issue(session: TokenSession, token: Any, **save_options: Any) -> TokenPair:
    session.refresh_id = token["jti"]
    session.refreshed_at = now()
    session.expires_at = session.refreshed_at + api_settings.REFRESH_TOKEN_LIFETIME
    session.save(**save_options)
    seconds = int(api_settings.ACCESS_TOKEN_LIFETIME.total_seconds())
    return TokenPair(str(token.access_token), str(token), seconds)


def _parse(kind: type[Token], text: str) -> Any:
    """Parse and verify a token (signature, algorithm, audience, issuer, type, expiry). Raises Unauthorized."""
    try:
        return kind(text)  # type: ignore[arg-type]
    except ExpiredTokenError:
        raise Unauthorized(
            "token_expired", "This token has expired. Get a new one by auth/refresh."
        ) from None
    except (TokenError, ValueError, TypeError, KeyError):
        raise Unauthorized("invalid_token", "This token is not valid. Sign in again.") from None


def _session_id(token: Token) -> UUID:
    try:
        return UUID(str(token.get(SESSION_CLAIM)))
    except ValueError:
        raise Unauthorized("invalid_token", "This token is not valid. Sign in again.") from None


def _check_user(user: User, token: Token) -> None:
    """Raise Unauthorized if the user is inactive, is not the token's, or has changed the password since."""
    if str(user.pk) != str(token.get(api_settings.USER_ID_CLAIM)) or not user.is_active:
        raise Unauthorized("invalid_token", "This account cannot be used. Ask whoever runs this site.")
    if token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        raise Unauthorized("invalid_token", "The password was changed. Sign in again.")
