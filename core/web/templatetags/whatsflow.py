"""Template tags of every page: icons, times, avatars and form fields. Built in: templates need no `load`.

The server writes times in the user's zone; static/js/times.js rewrites them in the same words, so that relative times
stay true while a page is open.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django import forms, template
from django.forms.boundfield import BoundField
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as django_url
from django.templatetags.static import static
from django.urls import get_script_prefix, get_urlconf, reverse
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from core import text

register = template.Library()

HUES = 12
"""Number of avatar colours in static/css/whatsflow.css (`.wf-hue-0` ...)."""


@cache
def _sprite() -> str:
    return static("img/icons.svg")


@register.simple_tag
@lru_cache(maxsize=1024)
def icon(name: str, extra: str = "", label: str = "") -> SafeString:
    """Render an icon of the sprite (scripts/icons.txt).

    extra: CSS classes. label: accessible name, for an icon without text beside it.
    """
    described: str = (
        format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    )
    return format_html(
        '<svg class="icon{}" {} fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round"'
        ' stroke-linejoin="round" focusable="false"><use href="{}#{}"></use></svg>',
        f" {extra}" if extra else "",
        described,
        _sprite(),
        name,
    )


@register.simple_tag
def local_time(moment: datetime | None, style: str = "relative") -> SafeString | str:
    """Render a `<time>` element in the user's time zone; nothing for None.

    style: "time" (14:05), "day" (Monday, 3 March), "relative" or "full".
    """
    if moment is None:
        return ""
    at = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    words = time_text(moment, style)
    return SafeString(
        f'<time datetime="{at}" data-format="{style}">{words}</time>'
    )  # holds nothing but a date


def time_text(moment: datetime, style: str, now: datetime | None = None) -> str:
    """Format `moment` in the active time zone. style: as for `local_time`."""
    zone = timezone.get_current_timezone()
    local = moment.astimezone(zone)
    if style == "time":
        return f"{local:%H:%M}"
    if style == "full":
        return f"{local.day} {local:%b %Y, %H:%M}"
    if style not in ("day", "relative"):
        raise ValueError(f"There is no style of time called {style!r}.")
    today = now.astimezone(zone) if now else datetime.now(zone)
    return _day(local, today) if style == "day" else _relative(local, today)


def _day(local: datetime, today: datetime) -> str:
    days = (today.date() - local.date()).days
    if days in (0, 1):
        return "Today" if days == 0 else "Yesterday"
    text = f"{local:%A}, {local.day} {local:%B}"
    return text if local.year == today.year else f"{text} {local.year}"


def _relative(local: datetime, today: datetime) -> str:
    minutes = (today - local).total_seconds() / 60
    days = (today.date() - local.date()).days
    if 0 <= minutes < 60:
        return f"{int(minutes)} min" if minutes >= 1 else "now"
    if days == 0:
        return f"{local:%H:%M}"
    if 0 < days < 7:
        return "Yesterday" if days == 1 else f"{local:%a}"
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"


@register.filter
def clip(value: object, limit: int) -> str:
    """Truncate to `limit` characters without splitting an emoji: {{ body|clip:80 }}."""
    return text.clip(str(value), limit)


@register.filter
def initials(value: object) -> str:
    """Return one or two letters for the avatar of a user, a contact or a text."""
    own = getattr(value, "initials", None)
    return str(own) if own is not None else text.initials(str(value))


@register.simple_tag
def avatar(person: Any, size: str = "") -> SafeString:
    """Render a person's avatar: the stored picture (`profile_pic_url`), or initials on a colour derived from the id.

    size: "", "xs", "sm", "lg" or "xl".
    """
    picture = getattr(person, "profile_pic_url", "")
    if picture.startswith("/"):
        return _picture(picture, size)
    seed = str(getattr(person, "contact_id", None) or getattr(person, "pk", None) or person)
    return _avatar(seed, initials(person), size)


def _picture(address: str, size: str) -> SafeString:
    return format_html(
        '<img class="avatar rounded-circle wf-avatar{}" src="{}" alt="" loading="lazy" decoding="async">',
        f" avatar-{size}" if size else "",
        address,
    )


@lru_cache(maxsize=4096)
def _avatar(seed: str, letters: str, size: str) -> SafeString:
    return format_html(
        '<span class="avatar rounded-circle wf-avatar wf-hue-{}{}" aria-hidden="true">{}</span>',
        zlib.crc32(seed.encode()) % HUES,
        f" avatar-{size}" if size else "",
        letters or icon("user"),
    )


@register.filter
def may(access: Any, capability: str) -> bool:
    """Whether the member's role allows `capability`: {% if access|may:"reply" %}."""
    return bool(access and access.can(capability))


@register.filter
def control(field: BoundField, extra: str = "") -> SafeString:
    """Render a form field's widget with the CSS classes of its kind and of its errors."""
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxInput):
        name = "form-check-input"
    elif isinstance(widget, forms.Select) and not isinstance(widget, forms.RadioSelect):
        name = "form-select"
    else:
        name = "form-control"
    classes = [widget.attrs.get("class", ""), name, extra, "is-invalid" if field.errors else ""]
    return field.as_widget(attrs={"class": " ".join(part for part in classes if part)})


@register.filter
def is_checkbox(field: BoundField) -> bool:
    """Whether the field is a single checkbox, whose label follows it."""
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def is_choice_list(field: BoundField) -> bool:
    """Whether the field is a group of radio buttons or checkboxes, which needs a legend instead of a label."""
    return isinstance(field.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple)


class _CachedURLNode(URLNode):
    """`{% url %}` that caches the resolved URL of routes without arguments, or with ids only."""

    def render(self, context: template.Context) -> str:
        if self.kwargs or self.asvar:
            return str(super().render(context))
        ids = tuple(argument.resolve(context) for argument in self.args)
        if not all(isinstance(value, UUID) for value in ids):
            return str(super().render(context))
        parts = _address(self.view_name.resolve(context), len(ids), get_urlconf(), get_script_prefix())
        if not ids:
            return parts[0]
        return (
            "".join([part for pair in zip(parts, map(str, ids), strict=False) for part in pair]) + parts[-1]
        )


@lru_cache(maxsize=1024)
def _address(name: str, ids: int, urlconf: Any, _prefix: str) -> list[str]:
    """Return the escaped URL, split where the ids go, in the order of the arguments."""
    marks = [UUID(int=number) for number in range(1, ids + 1)]
    address = str(escape(reverse(name, urlconf, args=marks)))
    pieces = []
    for mark in map(str, marks):
        piece, address = address.split(mark)
        pieces.append(piece)
    return [*pieces, address]


@register.tag
def url(parser: template.base.Parser, token: template.base.Token) -> URLNode:
    """Django's `url` tag with a cache (see _CachedURLNode)."""
    node: Any = django_url(parser, token)
    return _CachedURLNode(node.view_name, node.args, node.kwargs, node.asvar)


@register.simple_tag(takes_context=True)
def nav_here(context: template.Context, *prefixes: str) -> SafeString:
    """Render the attributes of a navigation link, current on the routes `prefixes`.

    prefixes: route names ("team"), or namespaces with their colon ("inbox:").
    """
    route = context["route"]
    here = any(route == prefix or (prefix.endswith(":") and route.startswith(prefix)) for prefix in prefixes)
    return SafeString('class="wf-nav-link active" aria-current="page"' if here else 'class="wf-nav-link"')
