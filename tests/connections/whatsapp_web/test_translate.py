"""What the page tells of a message becomes the contract's words, also when it is strange."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connections.drivers.base import (
    Chat,
    Edited,
    InboundMessage,
    MediaRef,
    MessageKind,
    OutgoingMessage,
    Permanent,
    Revoked,
    Unreadable,
)
from connections.drivers.whatsapp_web import translate
from connections.drivers.whatsapp_web.commands import PageCommands
from connections.drivers.whatsapp_web.errors import PageError
from connections.drivers.whatsapp_web.options import Options


def told(**more: Any) -> dict[str, Any]:
    """As bridge.js puts a text of a customer."""
    return {
        "id": "3A01",
        "fromMe": False,
        "chat": {"phone": "4915112345678", "lid": ""},
        "type": "chat",
        "body": "Hello",
        "t": 1_790_000_000,
        "ack": 0,
        "name": "Ana",
        "quoted": "",
        "media": None,
        "more": {},
        "edited": 0,
        **more,
    }


def test_a_message_is_itself() -> None:
    (message,) = translate.message_events(told())
    assert isinstance(message, InboundMessage)
    assert (message.kind, message.body, message.push_name) == (MessageKind.TEXT, "Hello", "Ana")
    assert (message.chat.phone, message.chat.lid) == ("+4915112345678", None)


def test_a_message_that_was_edited_is_followed_by_its_edit() -> None:
    message, change = translate.message_events(
        told(edited=1_790_000_060.5), late=datetime.fromtimestamp(1_790_000_001, UTC)
    )
    assert isinstance(message, InboundMessage)
    assert message.backfilled
    assert change == Edited("3A01", message.chat, "Hello", datetime.fromtimestamp(1_790_000_060.5, UTC))


def test_one_that_was_taken_back_is_followed_by_that() -> None:
    message, change = translate.message_events(told(type="revoked", body=""))
    assert isinstance(message, InboundMessage)
    assert (message.kind, message.extra) == (MessageKind.UNKNOWN, {"type": "revoked"})
    assert isinstance(change, Revoked)


@pytest.mark.parametrize("kind", ["e2e_notification", "gp2", "poll_update", "pinned_message"])
def test_lines_that_nobody_wrote_are_none(kind: str) -> None:
    assert translate.message_events(told(type=kind)) == []


def test_a_message_that_makes_no_sense_does_not_stop_the_history() -> None:
    nobody, no_id = told(chat={}), {"type": "chat"}
    page = {
        "recent": {"chats": ["a@c.us"], "left": 0},
        "history": {
            "messages": [nobody, told(id="3A02"), told(id="3A03", t=1e300), no_id],
            "broken": 0,
            "cut": False,
        },
    }
    post = PageCommands(lambda name, **more: page[name], Options(home=None, bundle=None))  # type: ignore[arg-type]
    found = post.history(datetime.now(UTC))
    assert [one.wa_id for one in found.events if isinstance(one, InboundMessage)] == ["3A02", "3A03"]
    assert [one.error for one in found.events if isinstance(one, Unreadable)] == ["ValueError", "KeyError"]
    assert not found.failed_chats


def test_a_file_larger_than_it_claimed_is_not_taken_over() -> None:
    asked: list[str] = []

    def page(what: str, **more: object) -> object:
        asked.append(what)
        return {"handle": "h", "size": 11, "mime": "application/zip"}

    post = PageCommands(page, Options(home=None, bundle=None, file_limit=10))  # type: ignore[arg-type]
    with pytest.raises(Permanent) as refusal:
        post.download(MediaRef("application/zip", size=5, token={"key": "k"}))
    assert (refusal.value.code, asked) == ("file_too_large", ["fetch", "drop"])


def test_a_file_that_whatsapp_finds_too_large_is_not_tried_again() -> None:
    def page(what: str, **more: object) -> object:
        raise PageError("file_too_large")

    post = PageCommands(page, Options(home=None, bundle=None))  # type: ignore[arg-type]
    chat = Chat(phone="+9992000000001")
    with pytest.raises(Permanent, match="does not take a file of this size"):
        post.send(OutgoingMessage("3EB0", chat, MessageKind.TEXT, body="x"))
