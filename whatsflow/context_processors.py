"""Context of the frame of every page. Costs no query."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, Any]:
    """Add access, businesses, theme, time_zone and shortcuts_enabled."""
    access = getattr(request, "access", None)
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {
            "access": None,
            "businesses": (),
            "theme": "auto",
            "time_zone": "",
            "shortcuts_enabled": True,
        }
    return {
        "access": access,
        "businesses": access.businesses if access else (),
        "theme": user.theme,
        "time_zone": user.time_zone,
        "shortcuts_enabled": user.shortcuts_enabled,
    }
