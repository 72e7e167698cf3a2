"""The frame of a page: navigation, switcher, the user's menu.

It is the same from page to page, so it is drawn once for everything that it shows (`Frame`) and kept. The one thing
that differs each time, the token of its forms, is put in afterwards.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.template.loader import get_template
from django.utils.safestring import SafeString

from accounts.access import Access
from accounts.models import BusinessProfile
from messaging.inbox import selectors

register = template.Library()

TOKEN_PLACE = secrets.token_hex(32)
"""Stands where a form's token goes. New in each process, so nobody can write it into a name."""


@dataclass(frozen=True, slots=True)
class Named:
    """A user or a business, as much of it as the frame shows."""

    pk: UUID
    name: str
    initials: str | None = None
    email: str = ""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Frame:
    """All that the frame depends on: the templates get nothing else, so equal frames look the same."""

    person: Named
    business: Named
    role: str
    businesses: tuple[Named, ...]
    theme: str
    route: str
    unread: int


@register.simple_tag(takes_context=True)
def frame(context: template.Context, part: str) -> SafeString:
    """A part of the frame around a page of a business: sidebar, topbar or bottombar."""
    draw = _drawn.__wrapped__ if settings.DEBUG else _drawn
    return SafeString(str(context["csrf_token"]).join(draw(_frame(context), part)))  # nosec B703 - rendered


@lru_cache(maxsize=256)
def _drawn(frame: Frame, part: str) -> list[str]:
    """The part's HTML, in pieces between which the token goes."""
    shown: dict[str, Any] = {name: getattr(frame, name) for name in Frame.__slots__}
    html = get_template(f"shell/_{part}.html").render({**shown, "csrf_token": TOKEN_PLACE})
    return html.split(TOKEN_PLACE)


def _frame(context: template.Context) -> Frame:
    """The page's frame; gathered once a request."""
    request = context["request"]
    if not hasattr(request, "_frame"):
        request._frame = _gathered(request, request.access, context.get("unread_total"))
    found: Frame = request._frame
    return found


def _gathered(request: HttpRequest, access: Access, unread: int | None) -> Frame:
    """unread: None when the page has not counted it already."""
    user = access.user
    match = request.resolver_match
    return Frame(
        person=Named(user.pk, str(user), user.initials, user.email),
        business=_named(access.business),
        role=access.role,
        businesses=tuple(_named(one) for one in access.businesses),
        theme=user.theme,
        route=match.view_name if match else "",
        unread=selectors.unread_total(access.business) if unread is None else unread,
    )


def _named(business: BusinessProfile) -> Named:
    return Named(business.pk, business.business_name)
