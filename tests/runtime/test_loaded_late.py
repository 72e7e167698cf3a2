"""What the embedded process must not have loaded for pages alone (docs/decisions/loaded-late.md)."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

RESOLVE = """
import json, sys
import whatsflow.asgi, whatsflow.management.commands.up
from django.urls import resolve, reverse
from whatsflow.celery import app
app.loader.import_default_modules()
for name in ("analytics", "messaging:inbox", "contacts:list", "connections:list", "campaigns:list"):
    resolve(reverse(name))
{more}
print(json.dumps(sorted(sys.modules)))
"""
LATE = {
    "the API": (
        "whatsflow.api",
        "rest_framework.views",
        "rest_framework_simplejwt.tokens",
        "drf_spectacular.openapi",
    ),
    "the HTTP client": ("httpx2", "httpcore2", "trio"),
    "tools for tests": ("django.test", "unittest.mock"),
    "what single jobs need": ("openpyxl", "selenium.webdriver", "mcp", "PIL.ImageFont"),
}


def loaded(more: str = "") -> set[str]:
    """The modules of a process that has served pages, or has done `more`."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
    environment |= {"CELERY_SKIP_CHECKS": "1"}
    out = subprocess.run(
        [sys.executable, "-c", RESOLVE.format(more=more)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(json.loads(out.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def after_pages() -> set[str]:
    return loaded()


@pytest.mark.parametrize("what", LATE)
def test_pages_alone_do_not_load(after_pages: set[str], what: str) -> None:
    assert "messaging.urls" in after_pages, "the pages themselves"
    assert not after_pages.intersection(LATE[what])


def test_the_first_address_of_the_api_loads_it_and_has_its_name() -> None:
    assert "whatsflow.api" in loaded('assert resolve("/api/v1/contacts").view_name.startswith("api:")')
    assert "whatsflow.api" in loaded('assert reverse("api:openapi") == "/api/v1/openapi.json"')
