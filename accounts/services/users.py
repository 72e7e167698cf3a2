"""Verbs on a person's own account: sign up, change the profile, the address or the password."""

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
    """A new user. Raises InvalidInput for an address in use or a weak password.

    Takes the same time whether or not the address is in use: the password is hashed before anybody looks.
    """
    user = User(email=normal_email(email), full_name=full_name.strip(), time_zone=known_time_zone(time_zone))
    _check_password(password, user, "password")
    user.password = make_password(password)
    with transaction.atomic():
        _save_with_new_email(user)
        audit.record(None, user, "user.registered", user)
    return user


def update_profile(user: User, **changes: Any) -> User:
    """Change the name, time zone, theme or the keyboard shortcuts switch; nothing else can be changed this way."""
    unknown = set(changes) - PROFILE_FIELDS
    if unknown:
        raise InvalidInput("unknown_field", f"These cannot be changed here: {', '.join(sorted(unknown))}.")
    if "time_zone" in changes:
        changes["time_zone"] = known_time_zone(changes["time_zone"])
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
    """Sign in with another address from now on. The old address is told by e-mail."""
    reauthentication.password(user, password, "password")
    old, new = user.email, normal_email(email)
    if new == old:
        return user
    changed = User.objects.get(pk=user.pk)
    changed.email = new
    with transaction.atomic():
        _save_with_new_email(changed)
        audit.record(None, changed, "user.email_changed", changed)
        transaction.on_commit(lambda: _tell_old_address(old), robust=True)
    user.email = new
    return user


def change_password(user: User, *, current: str, new: str) -> User:
    """A new password; every session but the caller's own (which the door must renew) has ended."""
    reauthentication.password(user, current, "current_password")
    return _set_password(user, new, "user.password_changed")


def reset_password(user: User, *, new: str) -> User:
    """A new password for somebody who proved to own the address. Ends every session and signs nobody in."""
    if not user.is_active:
        raise Forbidden("This account is switched off. Ask whoever runs this site.")
    user = _set_password(user, new, "user.password_reset")
    forget_failed_attempts(username=user.email)
    return user


def send_password_reset(email: str) -> None:
    """Mail a reset link to the active user with this address, if there is one; else do nothing."""
    user = User.objects.filter(email=normal_email(email), is_active=True).first()
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


def signed_out(user: User) -> None:
    """Say that one of the user's sessions has just ended: what it has open must not go on."""
    with transaction.atomic():
        end_sessions(user)


def end_sessions(user: User) -> None:
    """Announce that what the user has open must prove itself again. Call it in the change's transaction."""
    businesses = Membership.objects.filter(user=user).values_list("business_profile_id", flat=True)
    publish(*(SessionsEnded(business_id=business_id, user_id=user.pk) for business_id in businesses))


def normal_email(email: str) -> str:
    """The one spelling in which addresses are kept and compared."""
    return email.strip().lower()


def known_time_zone(name: str) -> str:
    """`name`, if it is a time zone. Raises InvalidInput otherwise."""
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
    """Save, or raise InvalidInput if the address is in use; the database decides, so two at once cannot both win."""
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise InvalidInput(
            "email_unavailable",
            "This address cannot be used for a new account. If it is yours, sign in or reset your password.",
            field="email",
        ) from None


def _tell_old_address(email: str) -> None:
    text = render_to_string("accounts/mail/email_changed.txt", {"site": settings.PUBLIC_URL})
    send_mail("Your WhatsFlow address was changed", text, None, [email])
