"""What a changed WhatsApp app could send: it is kept as far as it can be, and never keeps out its neighbours."""

from __future__ import annotations

from itertools import islice, product
from string import ascii_lowercase
from typing import Any

import pytest
from django.conf import settings

from messaging.inbound import receiver
from messaging.models import Message
from tests.messaging.helpers import hello, lease_of

pytestmark = pytest.mark.services

ENDLESS = " ".join("".join(word) for word in islice(product(ascii_lowercase, repeat=5), 300_000))
"""More different words than PostgreSQL's text index takes in one row."""


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (ENDLESS, f"{ENDLESS[: settings.MESSAGE_MAX_LENGTH - 1]}…"),
        ("a\x00b", "ab"),
        ("half \ud83d", "half ?"),
        ("x" * settings.MESSAGE_MAX_LENGTH, "x" * settings.MESSAGE_MAX_LENGTH),
    ],
    ids=["endless", "null", "half a character", "the longest"],
)
def test_a_hostile_text_is_kept_and_so_is_its_neighbour(connection: Any, body: str, kept: str) -> None:
    receiver.receive(lease_of(connection), [hello("BAD", body=body), hello("GOOD", body="Hi")])

    assert Message.objects.get(whatsapp_message_id="BAD").content == kept
    assert Message.objects.get(whatsapp_message_id="GOOD").content == "Hi"


def test_what_a_driver_tells_besides_fits_a_json_column(connection: Any) -> None:
    extra = {"a\x00": ["\ud83d", float("nan"), 1.5, None, {"b": "\x00"}]}
    receiver.receive(lease_of(connection), [hello("BAD", extra=extra)])

    assert Message.objects.get().metadata == {"a": ["?", None, 1.5, None, {"b": ""}]}
