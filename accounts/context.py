"""What every page's frame shows: who, in which business, in which colours. Costs no query until a template asks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts import selectors


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: access, businesses (loaded when first looked at), theme, time_zone, shortcuts_enabled."""
    access = getattr(request, "access", None)
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {
            "access": None,
            "businesses": [],
            "theme": "auto",
            "time_zone": "",
            "shortcuts_enabled": True,
        }
    return {
        "access": access,
        "businesses": SimpleLazyObject(lambda: selectors.businesses_of(user)),
        "theme": user.theme,
        "time_zone": user.time_zone,
        "shortcuts_enabled": user.shortcuts_enabled,
    }
