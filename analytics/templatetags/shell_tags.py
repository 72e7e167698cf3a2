"""What the frame of a page shows of the apps below it."""

from __future__ import annotations

from typing import Any

from django import template

from messaging import selectors

register = template.Library()


@register.inclusion_tag("shell/_unread.html", takes_context=True)
def unread_badge(context: template.Context) -> dict[str, Any]:
    """The number of unread conversations of the page's business; read once a request."""
    request = context.get("request")
    access = getattr(request, "access", None)
    if request is None or access is None:
        return {"count": 0}
    if not hasattr(request, "_unread_total"):
        request._unread_total = selectors.unread_total(access.business)
    return {"count": request._unread_total}
