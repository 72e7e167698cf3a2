"""Reading pages in a test."""

from __future__ import annotations

import re


def without_tokens(response) -> str:  # type: ignore[no-untyped-def]
    """The page's text without what differs on every load."""
    page = response.content.decode()
    page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page)
    return re.sub(r'"X-CSRFToken": "[^"]+"', "", page)
