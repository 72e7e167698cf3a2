"""Template tag for the frame of a page: navigation, business switcher, user menu.

The frame is the same from page to page, so its HTML is cached by everything that it shows (`Frame`). The CSRF token of
its forms, which differs each time, is inserted afterwards.
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

TOKEN_PLACEHOLDER = secrets.token_hex(32)
"""Marks the CSRF tokens in cached HTML. New in each process, so that no user can put it into a name."""


@dataclass(frozen=True, slots=True)
class FrameEntity:
    """User or business, reduced to what the frame shows."""

    pk: UUID
    name: str
    initials: str | None = None
    email: str = ""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Frame:
    """Cache key and entire template context of the frame, so that equal frames render the same HTML."""

    person: FrameEntity
    business: FrameEntity
    role: str
    businesses: tuple[FrameEntity, ...]
    theme: str
    route: str
    unread: int


@register.simple_tag(takes_context=True)
def frame(context: template.Context, part: str) -> SafeString:
    """Render a part of the frame around a business's page: "sidebar", "topbar" or "bottombar"."""
    render = _render.__wrapped__ if settings.DEBUG else _render
    # safe: rendered by a template, except for the token, which is Django's own
    return SafeString(str(context["csrf_token"]).join(render(_frame(context), part)))


@lru_cache(maxsize=256)
def _render(frame: Frame, part: str) -> list[str]:
    """Render the part and split its HTML at the CSRF placeholder."""
    fields: dict[str, Any] = {name: getattr(frame, name) for name in Frame.__slots__}
    html = get_template(f"shell/_{part}.html").render({**fields, "csrf_token": TOKEN_PLACEHOLDER})
    return html.split(TOKEN_PLACEHOLDER)


def _frame(context: template.Context) -> Frame:
    """Return the page's frame, built once a request."""
    request = context["request"]
    if not hasattr(request, "_frame"):
        request._frame = _build(request, request.access, context.get("unread_total"))
    result: Frame = request._frame
    return result


def _build(request: HttpRequest, access: Access, unread: int | None) -> Frame:
    """Build the frame. unread: None if the page has not counted the unread messages itself."""
    user = access.user
    match = request.resolver_match
    return Frame(
        person=FrameEntity(user.pk, str(user), user.initials, user.email),
        business=_entity(access.business),
        role=access.role,
        businesses=tuple(_entity(business) for business in access.businesses),
        theme=user.theme,
        route=match.view_name if match else "",
        unread=selectors.unread_total(access.business) if unread is None else unread,
    )


def _entity(business: BusinessProfile) -> FrameEntity:
    return FrameEntity(business.pk, business.business_name)
