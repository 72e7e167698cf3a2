"""A QR code as inline SVG, without style attributes, so that it passes the Content Security Policy."""

from __future__ import annotations

import io

from django.utils.safestring import SafeString, mark_safe

QUIET_ZONE = 4
"""Modules of white around the code that the standard asks for; scanners need them in dark mode above all."""


def png(content: str) -> bytes:
    """`content` drawn as a PNG that screens show large enough to be scanned."""
    import segno  # not loaded before the first code

    drawing = io.BytesIO()
    segno.make(content, error="m", micro=False).save(drawing, kind="png", scale=8, border=QUIET_ZONE)
    return drawing.getvalue()


def svg(content: str) -> SafeString:
    """`content` drawn as an `<svg>` element of class `wf-qr`: dark modules on its own white ground.

    It has a viewBox and no size, so that style sheets decide how large it is.
    """
    import segno  # not loaded before the first code

    drawing = io.BytesIO()
    segno.make(content, error="m", micro=False).save(
        drawing,
        kind="svg",
        xmldecl=False,
        svgns=True,
        omitsize=True,
        border=QUIET_ZONE,
        dark="#000",
        light="#fff",
        svgclass="wf-qr",
        lineclass=None,
        nl=False,
    )
    return mark_safe(drawing.getvalue().decode())  # noqa: S308 # nosec B703 - drawn here, only dots
