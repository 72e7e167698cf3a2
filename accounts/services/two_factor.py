"""Two-factor authentication: TOTP codes of an authenticator app (RFC 6238) and single-use recovery codes.

A TOTP code is valid once: its time step is stored, and codes of an earlier or equal step are refused.
"""

from __future__ import annotations

import base64
import secrets
import time
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.db import transaction

from accounts.models import RecoveryCode, SecondFactor, User
from accounts.services import audit, reauthentication
from core import rate_limit
from core.clock import now
from core.errors import Conflict, InvalidInput
from core.security.crypto import fingerprint

ISSUER = "WhatsFlow"
SECRET_BYTES = 20
DIGITS = 6
STEP_SECONDS = 30
DRIFT = 1
"""Time steps by which a phone's clock may be off, either way."""
RECOVERY_CODES = 10
WRONG_PER_HOUR = 10
"""Wrong codes accepted per account, from anybody who knows its password."""


def is_on(user: User) -> bool:
    """Return whether signing in requires a code."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def begin(user: User) -> str:
    """Return the base32 secret for the user's app; the same until confirmed. Raises Conflict("second_factor_on")."""
    with transaction.atomic():
        factor, _ = SecondFactor.objects.select_for_update().get_or_create(
            user=user, defaults={"secret": base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()}
        )
    if factor.confirmed_at:
        raise Conflict("second_factor_on", "The second step is on already. Turn it off first.")
    return str(factor.secret)


def uri(user: User, secret: str) -> str:
    """Build the otpauth URI for the app's QR code."""
    label = quote(f"{ISSUER}:{user.email}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': ISSUER})}"


def turn_on(user: User, *, password: str, code: str) -> list[str]:
    """Turn two-factor authentication on. Returns the recovery codes, which are shown only once.

    Raises InvalidInput ("wrong_password", "wrong_code"), Conflict, TooManyRequests.
    """
    reauthentication.require_password(user, password, "password")
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().filter(user=user).first()
        if factor is None or factor.confirmed_at:
            raise Conflict("second_factor_on", "Begin again: the second step was turned on or off meanwhile.")
        step = _step_of(factor.secret, code)
        if step is None:
            raise _wrong_code()
        factor.confirmed_at, factor.last_step = now(), step
        factor.save()
        audit.record(None, user, "user.second_factor_on", user)
        return _new_recovery_codes(user)


def turn_off(user: User, *, password: str, code: str) -> None:
    """Turn two-factor authentication off. Raises InvalidInput, TooManyRequests."""
    reauthentication.require_password(user, password, "password")
    check(user, code)
    remove(user, user)


def remove(user: User, actor: User) -> None:
    """Remove the secret and recovery codes. actor: the user or an operator."""
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        if SecondFactor.objects.filter(user=user).delete()[0]:
            audit.record(None, actor, "user.second_factor_off", user)


def check(user: User, code: str) -> None:
    """Check and consume a TOTP or recovery code. Raises InvalidInput("wrong_code"), TooManyRequests."""
    rate_limit.require_unspent("second-factor", str(user.pk), WRONG_PER_HOUR)
    if not (_use_code(user, code) or _use_recovery_code(user, code)):
        rate_limit.hit("second-factor", str(user.pk), WRONG_PER_HOUR)
        raise _wrong_code()


def recovery_codes_left(user: User) -> int:
    """Count the unused recovery codes."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _use_code(user: User, code: str) -> bool:
    factor = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()
    step = _step_of(factor.secret, code) if factor else None
    if factor is None or step is None:
        return False
    return bool(SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step).update(last_step=step))


def _use_recovery_code(user: User, code: str) -> bool:
    rows = RecoveryCode.objects.filter(user=user, code_hash=fingerprint(_plain(code)), used_at=None)
    if not rows.update(used_at=now()):
        return False
    audit.record(None, user, "user.recovery_code_used", user)
    return True


def _step_of(secret: str, code: str) -> int | None:
    """Return the time step of a currently valid TOTP code, else None."""
    digits = _plain(code)
    if len(digits) != DIGITS or not digits.isascii() or not digits.isdigit():
        return None
    totp = TOTP(base64.b32decode(secret), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - authenticator apps require SHA-1
    current = int(time.time()) // STEP_SECONDS
    for step in range(current - DRIFT, current + DRIFT + 1):
        try:
            totp.verify(digits.encode(), step * STEP_SECONDS)
        except InvalidToken:
            continue
        return step
    return None


def _new_recovery_codes(user: User) -> list[str]:
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, code_hash=fingerprint(code)) for code in codes)
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()


def _wrong_code() -> InvalidInput:
    return InvalidInput(
        "wrong_code", "This code is not right, or was used before. Wait for the next one.", field="code"
    )
