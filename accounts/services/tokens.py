"""Signing in by the API: access and refresh tokens (JWT), and the session that both belong to.

A refresh token is used once. One that was used before ends its session, because two people have it. Signing out, a new
password, a switched-off account and leaving a team end access tokens at once: each request looks the session up
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
LOST_ANSWER = timedelta(seconds=30)
"""So soon after it was used, a refresh token that comes again is a repetition, not a theft."""


@dataclass(frozen=True)
class Pair:
    """What a client keeps. expires_in: seconds that the access token lives."""

    access: str
    refresh: str
    expires_in: int


def open_session(user: User) -> Pair:
    """Sign `user` in, whose password was checked."""
    session = TokenSession(id=uuid7(), user=user)
    token = _refresh_token(user, session)
    return _issue(session, token, force_insert=True)


def refresh(text: str) -> Pair:
    """A new pair for a refresh token, which is used up by that. Raises Unauthorized."""
    given = _parse(RefreshToken, text)
    pair = _rotate(given)
    if pair is None:
        raise Unauthorized("invalid_token", "This refresh token was used before. Sign in again.")
    return pair


def close_session(text: str) -> None:
    """Sign out: the refresh token and every access token of its session end. Raises Unauthorized for a made-up one."""
    given = _parse(RefreshToken, text)
    TokenSession.objects.filter(pk=_session_id(given), ended_at=None).update(ended_at=now())


def user_of(text: str) -> User:
    """Whose access token this is, if it is valid now; one query. Raises Unauthorized."""
    token = _parse(AccessToken, text)
    session = _open_sessions.first(_session_id(token))
    if session is None:
        raise Unauthorized("invalid_token", "This session has ended. Sign in again.")
    _check_user(session.user, token)
    return session.user


_open_sessions = Prepared[TokenSession](
    lambda session: TokenSession.objects.select_related("user").filter(pk=session, ended_at__isnull=True)
)


def _rotate(given: Any) -> Pair | None:
    """None, and the session ended, when the token was used before."""
    with transaction.atomic():
        rows = TokenSession.objects.select_for_update(of=("self",)).select_related("user")
        session = rows.filter(pk=_session_id(given), ended_at=None).first()
        if session is None:
            raise Unauthorized("invalid_token", "This session has ended. Sign in again.")
        _check_user(session.user, given)
        if session.refresh_id == given["jti"]:
            return _issue(session, _refresh_token(session.user, session))
        if now() - session.refreshed_at > LOST_ANSWER:
            TokenSession.objects.filter(pk=session.pk).update(ended_at=now())
    return None


def _refresh_token(user: User, session: TokenSession) -> Any:
    token = RefreshToken.for_user(user)
    token[SESSION_CLAIM] = str(session.pk)
    return token


def _issue(session: TokenSession, token: Any, **saving: Any) -> Pair:
    session.refresh_id = token["jti"]
    session.refreshed_at = now()
    session.expires_at = session.refreshed_at + api_settings.REFRESH_TOKEN_LIFETIME
    session.save(**saving)
    seconds = int(api_settings.ACCESS_TOKEN_LIFETIME.total_seconds())
    return Pair(str(token.access_token), str(token), seconds)


def _parse(kind: type[Token], text: str) -> Any:
    """The token, its signature, algorithm, audience, issuer, type and time checked."""
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
    """Raises Unauthorized when the account is off, is another's, or has another password than when it signed in."""
    if str(user.pk) != str(token.get(api_settings.USER_ID_CLAIM)) or not user.is_active:
        raise Unauthorized("invalid_token", "This account cannot be used. Ask whoever runs this site.")
    if token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        raise Unauthorized("invalid_token", "The password was changed. Sign in again.")
