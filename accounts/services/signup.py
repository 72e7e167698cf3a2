"""Sign-up by the API, optionally with a first business."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from accounts.services import businesses, users


def register(
    *, email: str, password: str, full_name: str = "", time_zone: str = "UTC", business_name: str = ""
) -> User:
    """Register a user, and create a business if `business_name` is given. Raises InvalidInput."""
    with transaction.atomic():
        user = users.register(email=email, password=password, full_name=full_name, time_zone=time_zone)
        if business_name:
            businesses.create(user, business_name=business_name, time_zone=user.time_zone)
    return user
