"""The documentation's code verifies what we post; each language runs where it is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings

from core.ids import uuid7
from webhooks.delivery import http
from webhooks.services import endpoints

ROOT = Path(settings.BASE_DIR)
SECRET = endpoints.new_secret()
OLD_SECRET = endpoints.new_secret()
EVENT = {"id": "1", "type": "message.received", "data": {"content": "Olá, “Zoë” 👋"}}
BODY = json.dumps(EVENT, ensure_ascii=False).encode()
Verify = Callable[[str, dict[str, str], bytes], Any]


def code(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text(), re.DOTALL)
    assert found, language
    return found[1]


def in_python(secret: str, headers: dict[str, str], body: bytes) -> Any:
    names: dict[str, Any] = {}
    exec(code("python"), names)
    return names["verified"](secret, headers, body)


def in_javascript(secret: str, headers: dict[str, str], body: bytes) -> Any:
    """With the npm package `standardwebhooks` itself, kept under tests/vendor."""
    call = "console.log(JSON.stringify(verified(...JSON.parse(require('fs').readFileSync(0, 'utf8')))))"
    return _run(["node", "-e", f"{code('javascript')}\n{call}"], secret, headers, body)


def in_php(secret: str, headers: dict[str, str], body: bytes) -> Any:
    call = "echo json_encode(verified(...json_decode(stream_get_contents(STDIN), true)));"
    return _run(["php", "-r", f"{code('php').removeprefix('<?php')}\n{call}"], secret, headers, body)


def _run(command: list[str], secret: str, headers: dict[str, str], body: bytes) -> Any:
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    environment = {**os.environ, "NODE_PATH": str(ROOT / "tests" / "vendor" / "node")}
    given = json.dumps([secret, headers, body.decode()])
    ran = subprocess.run(command, input=given, capture_output=True, text=True, env=environment, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def headers(moment: datetime | None = None, *secrets: str) -> dict[str, str]:
    endpoint = http.Endpoint(UUID(int=1), UUID(int=2), "", "standard", secrets or (SECRET,), {})
    return http.signed_headers(http.signers(endpoint), uuid7(), moment or datetime.now(UTC), BODY)


@pytest.mark.parametrize("verify", [in_python, in_javascript, in_php])
def test_the_code_takes_ours_and_refuses_forged_and_old_posts(verify: Verify) -> None:
    ours = headers()
    assert verify(SECRET, ours, BODY) == EVENT
    assert verify(SECRET, ours, BODY.replace(b"received", b"revealed")) is None
    assert verify(OLD_SECRET, ours, BODY) is None
    assert verify(SECRET, headers(datetime(2026, 1, 1, tzinfo=UTC)), BODY) is None
    both = headers(None, SECRET, OLD_SECRET)
    assert verify(SECRET, both, BODY) == verify(OLD_SECRET, both, BODY) == EVENT
