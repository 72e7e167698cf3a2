"""`manage.py standin`: a person starts it, is told what to do next, and plays the phone on a page."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
from django.conf import settings


@pytest.fixture
def started() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and what it has said."""
    command = [sys.executable, "manage.py", "standin", "--port", "0", "--phone-port", "0"]
    process = subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    while "Ctrl-C" not in said and (line := process.stdout.readline()):
        said += line
    yield process, said
    process.kill()
    process.wait(10)


def ask(
    address: str, path: str, body: dict[str, Any] | None = None, kind: str = "application/json"
) -> tuple[int, str]:
    """GET, or POST with a body. Returns status and text."""
    line = HTTPConnection(address, timeout=10)
    content = None if body is None else json.dumps(body)
    line.request("GET" if body is None else "POST", path, content, {"Content-Type": kind})
    answer = line.getresponse()
    return answer.status, answer.read().decode()


def test_it_says_how_to_start_and_its_phone_is_played_on_a_page(
    started: tuple[subprocess.Popen[str], str],
) -> None:
    process, said = started
    arguments = re.search(r"WHATSAPP_WEB_BROWSER_ARGS='(.+)' python manage.py up", said)
    assert arguments is not None
    assert json.loads(arguments[1])[0].startswith("--host-resolver-rules=MAP * 127.0.0.1:")
    page = re.search(r"http://(localhost:\d+)/", said)
    assert page is not None
    assert "Scan the QR code on show" in ask(page[1], "/")[1]
    number = json.loads(ask(page[1], "/state")[1])["phones"][0]["number"]
    refused = ask(page[1], "/do/scan", {"phone": number})[1]
    assert json.loads(refused)["problem"] == "No page shows this QR code."
    wrote = {"phone": number, "who": "+4915112345678", "name": "Ana", "text": "Hello", "kind": "chat"}
    assert json.loads(ask(page[1], "/do/write", wrote)[1])["problem"] == ""
    (message,) = json.loads(ask(page[1], "/state")[1])["phones"][0]["messages"]
    assert (message["text"], message["mine"]) == ("Hello", False)
    spoken = {**wrote, "kind": "ptt", "text": ""}
    assert json.loads(ask(page[1], "/do/write", spoken)[1])["problem"] == ""
    assert ask(page[1], "/do/write", wrote, kind="text/plain")[0] == 415, (
        "no other site's page can press a button"
    )
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0
