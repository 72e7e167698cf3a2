"""What chat channels and n8n are sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core import public_events as catalogue
from webhooks.delivery import presets
from webhooks.services import recording


def event(kind: str, /, **data: Any) -> dict[str, Any]:
    return {"type": kind, "data": data}


CARLA = {"name": "Carla", "phoneNumber": "+351912345678"}


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (
            event("message.received", contact=CARLA, content="Still there?\nThe blue one"),
            "Message from *Carla* (+351 912 345 678)\n> Still there?\n> The blue one",
        ),
        (
            event("message.received", contact={"name": ""}, content="", messageType="image"),
            "Message from *Somebody*\n> [image]",
        ),
        (
            event(
                "message.failed", contact=CARLA, content="Hi", errorMessage="This number is not on WhatsApp."
            ),
            "Message to *Carla* (+351 912 345 678): failed (This number is not on WhatsApp.)\n> Hi",
        ),
        (event("contact.opted_out", name="Carla"), "Contact opted out: *Carla*"),
        (
            event("connection.status", name="Shop", status="disconnected", statusReason="phone_offline"),
            "Number *Shop* is now disconnected (phone offline)",
        ),
        (event("campaign.completed", name="Spring"), "Campaign *Spring*: completed"),
        (event("webhook.test", message="This is a test"), "This is a test"),
    ],
)
def test_an_event_is_a_line_of_a_chat(told: dict[str, Any], line: str) -> None:
    assert presets.chat_text(told) == line


@pytest.mark.parametrize("words", ["<!channel> hi", "<https://evil.example|Our shop>", "a < b & c"])
def test_what_a_customer_writes_calls_nobody_and_links_nowhere(words: str) -> None:
    text = presets.chat_text(event("message.received", contact={"name": words}, content=words))
    assert "<" not in text
    assert "&lt;" in text


def test_a_long_message_is_cut() -> None:
    text = presets.chat_text(event("message.received", contact=CARLA, content="x" * 10_000))
    assert (len(text), text[-1]) == (presets.SLACK_LENGTH, "…")


def test_chats_get_an_object_with_their_text_and_others_the_event_itself() -> None:
    payload = json.dumps(event("campaign.completed", name="Spring"))
    assert json.loads(presets.body("slack", payload)) == {"text": "Campaign *Spring*: completed"}
    assert presets.body("n8n", payload) == presets.body("standard", payload) == payload.encode()


def test_every_event_of_the_catalogue_has_a_line() -> None:
    for one in catalogue.catalogue():
        line = presets.chat_text(recording.example(one))
        assert line
        assert "None" not in line
