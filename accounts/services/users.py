"""Register users, change their profile, e-mail address and password, and end their sessions."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

import structlog
from axes.utils import reset as forget_failed_attempts
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.events import SessionsEnded
from accounts.models import Membership, User
from accounts.services import audit, reauthentication
from core.errors import Forbidden, InvalidInput
from core.events import publish

log = structlog.get_logger(__name__)

PROFILE_FIELDS = frozenset({"full_name", "time_zone", "theme", "shortcuts_enabled"})


def register(*, email: str, password: str, full_name: str = "", time_zone: str = "UTC") -> User:
    """Register a user. Raises InvalidInput for an address in use or a weak password.

    Takes the same time whether or not the address is in use: the password is hashed before the check.
    """
    user = User(
        email=normalize_email(email), full_name=full_name.strip(), time_zone=check_time_zone(time_zone)
    )
    _check_password(password, user, "password")
    user.password = make_password(password)
    with transaction.atomic():
        _save_with_new_email(user)
        audit.record(None, user, "user.registered", user)
    return user


def update_profile(user: User, **changes: Any) -> User:
    """Update fields of PROFILE_FIELDS. Raises InvalidInput."""
    unknown = set(changes) - PROFILE_FIELDS
    if unknown:
        raise InvalidInput("unknown_field", f"These cannot be changed here: {', '.join(sorted(unknown))}.")
    if "time_zone" in changes:
        changes["time_zone"] = check_time_zone(changes["time_zone"])
    changed = [name for name, value in changes.items() if getattr(user, name) != value]
    if not changed:
        return user
    for name in changed:
        setattr(user, name, changes[name])
    with transaction.atomic():
        user.save(update_fields=[*changed, "updated_at"])
        audit.record(None, user, "user.profile_changed", user, fields=sorted(changed))
    return user


def change_email(user: User, *, password: str, email: str) -> User:
    """Change the e-mail address and notify the old one by mail. Raises InvalidInput."""
    reauthentication.require_password(user, password, "password")
    old, new = user.email, normalize_email(email)
    if new == old:
        return user
    changed = User.objects.get(pk=user.pk)
    changed.email = new
    with transaction.atomic():
        _save_with_new_email(changed)
        audit.record(None, changed, "user.email_changed", changed)
        transaction.on_commit(lambda: _notify_old_address(old), robust=True)
    user.email = new
    return user


def change_password(user: User, *, current: str, new: str) -> User:
    """Change the password and end all sessions; the view must renew the caller's own."""
    reauthentication.require_password(user, current, "current_password")
    return _set_password(user, new, "user.password_changed")


def reset_password(user: User, *, new: str) -> User:
    """Set a new password for a user who opened a reset link. Ends all sessions and signs nobody in."""
    if not user.is_active:
        raise Forbidden("This account is switched off. Ask whoever runs this site.")
    user = _set_password(user, new, "user.password_reset")
    forget_failed_attempts(username=user.email)
    return user


def send_password_reset(email: str) -> None:
    """Mail a reset link to the active user with this address; no-op if there is none."""
    user = User.objects.filter(email=normalize_email(email), is_active=True).first()
    if user is None or not user.has_usable_password():
        return
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("accounts:password_reset_confirm", args=[uid, default_token_generator.make_token(user)])
    text = render_to_string(
        "accounts/mail/password_reset.txt",
        {
            "user": user,
            "link": f"{settings.PUBLIC_URL}{path}",
            "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
        },
    )
    send_mail("Set a new password for WhatsFlow", text, None, [user.email])


def end_sessions(user: User) -> None:
    """Publish SessionsEnded, so that the user's open sockets authenticate again."""
    with transaction.atomic(savepoint=False):
        businesses = Membership.objects.filter(user=user).values_list("business_profile_id", flat=True)
        publish(*(SessionsEnded(business_id=business_id, user_id=user.pk) for business_id in businesses))


def normalize_email(email: str) -> str:
    """Normalise an address for storage and comparison."""
    return email.strip().lower()


def check_time_zone(name: str) -> str:
    """Return `name` if it is an IANA time zone. Raises InvalidInput("unknown_time_zone")."""
    if name not in available_timezones():
        raise InvalidInput("unknown_time_zone", "Choose a time zone from the list.", field="time_zone")
    return name


def _set_password(user: User, new: str, action: str) -> User:
    _check_password(new, user, "new_password")
    user.set_password(new)
    with transaction.atomic():
        user.save(update_fields=["password", "updated_at"])
        audit.record(None, user, action, user)
        end_sessions(user)
    return user


def _check_password(password: str, user: User, field: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput("weak_password", " ".join(error.messages), field=field) from None


def _save_with_new_email(user: User) -> None:
    """Save the user. Raises InvalidInput if the address is in use, relying on the unique constraint."""
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise InvalidInput(
            "email_unavailable",
            "This address cannot be used for a new account. If it is yours, sign in or reset your password.",
            field="email",
        ) from None


def _notify_old_address(email: str) -> None:
    text = render_to_string("accounts/mail/email_changed.txt", {"site": settings.PUBLIC_URL})
    send_mail("Your WhatsFlow address was changed", text, None, [email])
