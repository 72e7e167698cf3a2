"""The second factor: a code from an authenticator app (TOTP, RFC 6238), and codes on paper for when the phone is gone.

A code counts once: the step of the clock to which it belongs is kept, and an earlier or equal one is refused.
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
"""Steps that a phone's clock may be off, either way."""
RECOVERY_CODES = 10
WRONG_PER_HOUR = 10
"""Wrong codes that may be entered for one account, by whoever knows its password."""


def is_on(user: User) -> bool:
    """Whether signing in takes a code."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def begin(user: User) -> str:
    """The secret for the user's app, base32; the same until it is confirmed. Raises Conflict("second_factor_on")."""
    with transaction.atomic():
        found, _ = SecondFactor.objects.select_for_update().get_or_create(
            user=user, defaults={"secret": base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()}
        )
    if found.confirmed_at:
        raise Conflict("second_factor_on", "The second step is on already. Turn it off first.")
    return found.secret


def uri(user: User, secret: str) -> str:
    """What the QR code for the app says."""
    label = quote(f"{ISSUER}:{user.email}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': ISSUER})}"


def turn_on(user: User, *, password: str, code: str) -> list[str]:
    """From now on signing in takes a code. Returns the recovery codes, which are shown once.

    Raises InvalidInput ("wrong_password", "wrong_code"), Conflict, TooManyRequests.
    """
    reauthentication.password(user, password, "password")
    with transaction.atomic():
        found = SecondFactor.objects.select_for_update().filter(user=user).first()
        if found is None or found.confirmed_at:
            raise Conflict("second_factor_on", "Begin again: the second step was turned on or off meanwhile.")
        step = _step_of(found.secret, code)
        if step is None:
            raise _wrong()
        found.confirmed_at, found.last_step = now(), step
        found.save()
        audit.record(None, user, "user.second_factor_on", user)
        return _new_recovery_codes(user)


def turn_off(user: User, *, password: str, code: str) -> None:
    """Signing in takes the password alone again. Raises InvalidInput, TooManyRequests."""
    reauthentication.password(user, password, "password")
    check(user, code)
    remove(user, user)


def remove(user: User, actor: User) -> None:
    """Take the second factor away, by its owner or by an operator."""
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        if SecondFactor.objects.filter(user=user).delete()[0]:
            audit.record(None, actor, "user.second_factor_off", user)


def check(user: User, code: str) -> None:
    """Raises InvalidInput("wrong_code") unless `code` is the app's of now or an unused recovery code, which it uses up.

    Raises TooManyRequests after too many wrong ones.
    """
    rate_limit.require_unspent("second-factor", str(user.pk), WRONG_PER_HOUR)
    if not (_use_code(user, code) or _use_recovery_code(user, code)):
        rate_limit.hit("second-factor", str(user.pk), WRONG_PER_HOUR)
        raise _wrong()


def recovery_codes_left(user: User) -> int:
    """How many recovery codes have not been used."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _use_code(user: User, code: str) -> bool:
    found = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()
    step = _step_of(found.secret, code) if found else None
    if found is None or step is None:
        return False
    return bool(SecondFactor.objects.filter(pk=found.pk, last_step__lt=step).update(last_step=step))


def _use_recovery_code(user: User, code: str) -> bool:
    rows = RecoveryCode.objects.filter(user=user, code_hash=fingerprint(_plain(code)), used_at=None)
    if not rows.update(used_at=now()):
        return False
    audit.record(None, user, "user.recovery_code_used", user)
    return True


def _step_of(secret: str, code: str) -> int | None:
    """The step of the clock that `code` belongs to, if it is one of now."""
    digits = _plain(code)
    if len(digits) != DIGITS or not digits.isascii() or not digits.isdigit():
        return None
    totp = TOTP(base64.b32decode(secret), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - what the apps speak
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


def _wrong() -> InvalidInput:
    return InvalidInput(
        "wrong_code", "This code is not right, or was used before. Wait for the next one.", field="code"
    )
