"""QR codes as PNG, and as inline SVG that the Content Security Policy allows (no style attributes)."""

from __future__ import annotations

import io

from django.utils.safestring import SafeString, mark_safe

QUIET_ZONE = 4
"""White modules around the code, as the standard requires; scanners depend on them in dark mode."""


def png(content: str) -> bytes:
    """Draw `content` as a PNG of 8 pixels a module, large enough to be scanned from a screen."""
    import segno  # loaded with the first code: most processes draw none

    drawing = io.BytesIO()
    segno.make(content, error="m", micro=False).save(drawing, kind="png", scale=8, border=QUIET_ZONE)
    return drawing.getvalue()


def svg(content: str) -> SafeString:
    """Draw `content` as an `<svg class="wf-qr">` element: dark modules on a white ground.

    The element has a viewBox and no size: style sheets set the size.
    """
    import segno  # loaded with the first code: most processes draw none

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
    return mark_safe(drawing.getvalue().decode())  # noqa: S308 - drawn here, nothing but dots
