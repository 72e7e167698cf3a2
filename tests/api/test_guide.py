"""The guide says what is true: its examples, its list of codes, and the assistant's door, on a real server."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2  # noqa: TID251 - a client of the server under test
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from accounts import scopes
from accounts.api import examples
from accounts.services import keys
from messaging.models import Message
from tests.conftest import missing
from tests.factories import ContactFactory

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "api.md").read_text()
RUN = {"bash": ["bash"], "python": [sys.executable, "-"], "js": ["node", "--input-type=module", "-"]}


def test_the_page_of_a_new_key_shows_what_the_guide_says():
    for text in (examples.CURL, examples.PYTHON, examples.JAVASCRIPT):
        assert text in GUIDE
        assert len([line for line in text.splitlines() if line]) == 5


def test_the_list_of_error_codes_is_complete():
    done = subprocess.run([sys.executable, "scripts/error_codes.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "docs/api-errors.md is out of date: run scripts/error_codes.py"


@pytest.fixture
def site(process_env, connection, business, live_port):
    """The address of the whole site in one process, and a key that may do everything."""
    _row, key = keys.create(business, business.user, name="Guide", scopes=list(scopes.ALL))
    command = [sys.executable, "-m", "uvicorn", "whatsflow.asgi:application", "--port", str(live_port)]
    process = subprocess.Popen(command, cwd=ROOT, env=process_env)
    address = f"http://127.0.0.1:{live_port}"
    try:
        _wait_until_up(address)
        yield {"WHATSFLOW_URL": address, "WHATSFLOW_API_KEY": key}
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def live_port(unused_tcp_port):
    return unused_tcp_port


def _wait_until_up(address):
    for _ in range(600):
        try:
            if httpx2.get(f"{address}/livez").status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    pytest.fail("the server did not come up")


@pytest.fixture
def leaving():
    """Stands in for the number's runner: what is queued is sent a moment later."""
    stop = threading.Event()

    def send():
        from django.db import connections

        while not stop.wait(0.1):
            Message.objects.filter(status="queued").update(status="sent")
        connections.close_all()

    thread = threading.Thread(target=send)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.slow
def test_the_guides_examples_run_as_they_stand(site, leaving):
    for language, command in RUN.items():
        if shutil.which(command[0]) is None:
            missing(f"{command[0]} is not installed")
        code = re.search(f"```{language}\n(.*?)```", GUIDE, re.DOTALL)[1]
        ran = subprocess.run(
            command, input=code, env={**os.environ, **site}, capture_output=True, text=True, timeout=60
        )
        assert '"status":"sent"' in ran.stdout, (language, ran.stdout, ran.stderr)
    texts = set(Message.objects.values_list("content", flat=True))
    assert texts == {"Hello from curl!", "Hello from Python!", "Hello from JavaScript!"}


@pytest.mark.slow
def test_an_assistant_reads_and_sends_with_its_key(site, business, connection):
    ContactFactory(business_profile=business, name="Dora")
    _row, reading = keys.create(business, business.user, name="Reader", scopes=["contacts:read"])

    async def talk(key, calls):
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            async with Client(
                streamable_http_client(site["WHATSFLOW_URL"] + "/mcp", http_client=http)
            ) as client:
                names = {tool.name for tool in (await client.list_tools()).tools}
                return names, [await client.call_tool(*call) for call in calls]

    sending = ("messages_send", {"phoneNumber": "+9992000000009", "message": "From an assistant"})
    listing = ("contacts_list", {"q": "dora", "fields": ["name"]})
    names, answers = asyncio.run(
        talk(site["WHATSFLOW_API_KEY"], [listing, sending, ("contacts_list", {"x": 1})])
    )
    assert {"contacts_list", "messages_list", "conversations_list", "messages_send"} <= names
    assert not names & {"whatsApp_code", "connections_code", "contacts_destroy"}
    assert [answer.is_error for answer in answers] == [False, False, True]
    assert '"name":"Dora"' in answers[0].content[0].text
    assert Message.objects.get().content == "From an assistant"
    _names, (read, sent) = asyncio.run(talk(reading, [listing, sending]))
    assert (read.is_error, sent.is_error) == (False, True)
    assert "missing_scope" in sent.content[0].text
    refused = httpx2.post(site["WHATSFLOW_URL"] + "/mcp", json={}, headers={"Authorization": "Bearer wf_x_y"})
    assert refused.status_code == 401
