"""What is done to a message afterwards counts by WhatsApp's time, in whatever order and however often it is told."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import BusinessProfile, User
from connections import leases
from connections.drivers.base import Chat, Edited, Event, MediaRef, MessageKind, Revoked
from connections.leases import Lease
from connections.models import WhatsAppConnection
from core import events as event_bus
from messaging import tasks
from messaging.events import MessageUpdated
from messaging.inbound import changes, receiver
from messaging.inbox import chat, search
from messaging.inbox.fragments import message as bubble
from messaging.inbox.fragments import row as list_row
from messaging.inbox.selectors import rows_of
from messaging.models import Conversation, MediaFile, Message, ParkedChange
from messaging.payloads import message_data
from tests import factories
from tests.messaging.helpers import CARLA, ago, hello, lease_of
from webhooks.models import PublicEvent

pytestmark = pytest.mark.services

DORA = Chat(phone="+9992000000004")
"""Another customer."""

START = ago(hours=1)
DELETED = "This message was deleted"
SECRET = "marzipan"


def minutes(number: float) -> datetime:
    return START + timedelta(minutes=number)


def reaction(
    wa_id: str, emoji: str, at: datetime, *, on: str = "M", chat: Chat = CARLA, ours: bool = False
) -> Event:
    return hello(wa_id, chat, emoji, kind=MessageKind.REACTION, at=at, quoted_wa_id=on, from_me=ours)


@pytest.fixture
def lease(connection: WhatsAppConnection) -> Lease:
    return lease_of(connection)


@pytest.fixture
def updates(monkeypatch: pytest.MonkeyPatch) -> list[MessageUpdated]:
    """Every MessageUpdated that is published from here on."""
    published: list[MessageUpdated] = []
    known = event_bus._inside[MessageUpdated]
    monkeypatch.setitem(event_bus._inside, MessageUpdated, [*known, published.extend])
    return published


def the_message(wa_id: str = "M") -> Message:
    return Message.objects.get(whatsapp_message_id=wa_id)


def shown(message: Message) -> str:
    """The HTML of a message in its chat and of its conversation in the list."""
    business_id = message.business_profile_id
    (said,) = chat.messages_by_id(business_id, [message.pk])
    quoted = chat.quoted_by(business_id, [said]).get(said.reply_to_wa_id)
    (row,) = rows_of(business_id, [message.conversation_id])
    return f"{bubble(said, quoted, 'Carla')}{list_row(row)}"


# -- any order ---------------------------------------------------------------------------------------------------------

_runs = count(1)
FIRST, SECOND, THIRD = "apricot", "blueberry", "cherry"
STEPS = ("edit", "later edit", "revoke", "reaction", "reaction removed", "second reaction", "our reaction")


def steps_of(run: int) -> tuple[Event, dict[str, Event]]:
    """A message of a customer of their own, and what is done to it, by name."""
    who, wa_id = Chat(phone=f"+99920{run:07}"), f"M{run}"

    def react(name: str, emoji: str, at: datetime, ours: bool = False) -> Event:
        return reaction(f"{name}{run}", emoji, at, on=wa_id, chat=who, ours=ours)

    return hello(wa_id, who, FIRST, at=minutes(0)), {
        "edit": Edited(wa_id, who, SECOND, minutes(1)),
        "later edit": Edited(wa_id, who, THIRD, minutes(2)),
        "revoke": Revoked(wa_id, who, minutes(9)),
        "reaction": react("A", "👍", minutes(3)),
        "reaction removed": react("B", "", minutes(4)),
        "second reaction": react("C", "❤️", minutes(5)),
        "our reaction": react("D", "🎉", minutes(6), ours=True),
    }


def expected(happened: set[str]) -> tuple[str, list[tuple[str, str]], str]:
    """Content, reactions and the list's line after these steps, whatever their order."""
    if "revoke" in happened:
        return "", [], DELETED
    content = THIRD if "later edit" in happened else SECOND if "edit" in happened else FIRST
    theirs = [("inbound", "❤️")] if "second reaction" in happened else []
    if not theirs and "reaction" in happened and "reaction removed" not in happened:
        theirs = [("inbound", "👍")]
    reactions = theirs + [("outbound", "🎉")] * ("our reaction" in happened)
    return content, reactions, f"Reacted {reactions[-1][1]} to “{content}”" if reactions else content


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sets(st.sampled_from(STEPS)), st.data())
def test_any_order_twice_and_in_several_batches_ends_alike(
    lease: Lease, happened: set[str], data: st.DataObject
) -> None:
    assert leases.renew(lease)
    message, steps = steps_of(next(_runs))
    known = [message, *(steps[name] for name in sorted(happened))]
    told = data.draw(
        st.permutations([*known, *data.draw(st.lists(st.sampled_from(known), max_size=len(known)))])
    )
    cuts = sorted(data.draw(st.sets(st.integers(1, len(told)), max_size=4)))
    for start, end in zip([0, *cuts], [*cuts, len(told)], strict=True):
        receiver.receive(lease, told[start:end])

    content, reactions, preview = expected(happened)
    row = the_message(message.wa_id)
    assert row.content == content
    assert [(one["direction"], one["emoji"]) for one in row.reactions] == reactions
    assert (row.edited_at is None) == (content in ("", FIRST))
    assert (row.revoked_at is None) == ("revoke" not in happened)
    talk = Conversation.objects.get(pk=row.conversation_id)
    assert talk.preview == preview
    assert talk.last_message_at >= row.created_at
    found = {word for word in (FIRST, SECOND, THIRD) for hit in hits(row, word) if hit == row.pk}
    assert found == ({content} if content else set())
    assert not ParkedChange.objects.filter(whatsapp_message_id=message.wa_id).exists()


def hits(row: Message, word: str) -> list[Any]:
    return [hit.message_id for hit in search.messages_by_text(row.business_profile, word, 100).messages]


def test_a_change_that_is_told_again_is_published_once(lease: Lease, updates: list[MessageUpdated]) -> None:
    told = [
        Edited("M", CARLA, "Second", minutes(1)),
        reaction("A", "👍", minutes(2)),
        reaction("B", "", minutes(3)),
        Revoked("M", CARLA, minutes(4)),
    ]
    receiver.receive(lease, [hello("M", at=START)])
    for number, event in enumerate(told, 1):
        for _ in range(3):
            receiver.receive(lease, [event])
        assert len(updates) == number


def test_an_edit_back_to_an_earlier_text_outlives_what_was_between(lease: Lease) -> None:
    receiver.receive(lease, [hello("M", at=START), Edited("M", CARLA, "One", minutes(1))])
    receiver.receive(lease, [Edited("M", CARLA, "One", minutes(3))])
    receiver.receive(lease, [Edited("M", CARLA, "Two", minutes(2))])
    assert the_message().content == "One"


# -- before their message ----------------------------------------------------------------------------------------------


def test_changes_wait_for_content_that_is_still_to_come(lease: Lease) -> None:
    early = [Edited("M", CARLA, "Better", minutes(1)), reaction("A", "👍", minutes(2))]
    receiver.receive(lease, [hello("M", body=None, at=START), *early])
    assert ParkedChange.objects.count() == 2

    receiver.receive(lease, [hello("M", body="Bettr", at=START)])
    assert the_message().content == "Better"
    assert [one["emoji"] for one in the_message().reactions] == ["👍"]
    assert not ParkedChange.objects.exists()


@pytest.mark.parametrize("first", [hello("M", body=None, at=START), Revoked("M", CARLA, minutes(1))])
def test_what_was_deleted_before_its_content_came_never_gets_it(lease: Lease, first: Event) -> None:
    picture = MediaRef("image/png", 5, "a.png", {"key": "k"})
    late = hello("M", body=SECRET, at=START, kind=MessageKind.IMAGE, media=picture)
    for event in (first, Revoked("M", CARLA, minutes(1)), late, late):
        receiver.receive(lease, [event])
    row = the_message()
    assert (row.content, row.media, row.media_url, row.body_pending) == ("", None, "", False)
    assert not MediaFile.objects.exists()
    assert SECRET not in shown(row)


def test_another_numbers_changes_are_not_this_ones(lease: Lease, business: BusinessProfile) -> None:
    other = factories.ConnectionFactory(business_profile=business, phone_number="+9991000000077")
    receiver.receive(lease_of(other, "other"), [Revoked("M", CARLA, minutes(1))])
    receiver.receive(lease, [hello("M", body="Hello", at=START)])
    assert the_message().content == "Hello"
    assert ParkedChange.objects.count() == 1


def test_of_too_many_changes_that_wait_the_oldest_are_dropped(
    lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MAX_PARKED", 3)
    for number in range(5):
        receiver.receive(lease, [Revoked(f"M{number}", CARLA, minutes(number))] * 2)
    assert set(ParkedChange.objects.values_list("whatsapp_message_id", flat=True)) == {"M2", "M3", "M4"}


def test_changes_that_never_found_their_message_are_removed(lease: Lease) -> None:
    receiver.receive(lease, [Revoked("OLD", CARLA, START), Revoked("NEW", CARLA, START)])
    ParkedChange.objects.filter(whatsapp_message_id="OLD").update(created_at=ago(days=8))
    tasks.prune()
    assert ParkedChange.objects.get().whatsapp_message_id == "NEW"


# -- by somebody else --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forged",
    [
        Revoked("OURS", CARLA, minutes(5)),
        Edited("OURS", CARLA, "Your order is free", minutes(5)),
        Revoked("THEIRS", DORA, minutes(5)),
        Edited("THEIRS", DORA, "I never ordered", minutes(5)),
    ],
    ids=lambda event: f"{type(event).__name__}-{event.wa_id}",
)
@pytest.mark.parametrize("early", [False, True])
def test_nobody_changes_what_another_one_wrote(lease: Lease, forged: Event, early: bool) -> None:
    written = [
        hello("D", DORA, "Hi", at=START),
        hello("THEIRS", CARLA, "Two cakes, please", at=START),
        hello("OURS", CARLA, "That is 20 euros", at=minutes(1), from_me=True),
    ]
    if early and forged.wa_id == "OURS":  # the id of a message to come is known to nobody else
        receiver.receive(lease, [forged])
    receiver.receive(lease, written)
    receiver.receive(lease, [forged])
    texts = dict(Message.objects.values_list("whatsapp_message_id", "content"))
    assert (texts["THEIRS"], texts["OURS"]) == ("Two cakes, please", "That is 20 euros")
    assert the_message("OURS").revoked_at is None


def test_the_writer_may_still_take_back_what_a_forger_named_first(lease: Lease) -> None:
    receiver.receive(
        lease, [Revoked("OURS", CARLA, minutes(5)), Revoked("OURS", CARLA, minutes(3), from_me=True)]
    )
    receiver.receive(lease, [hello("OURS", CARLA, "Oops", at=minutes(1), from_me=True)])
    assert the_message("OURS").revoked_at == minutes(3)


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_reactions_are_on_their_message_and_no_bubbles(lease: Lease, business: BusinessProfile) -> None:
    both = [reaction("A", "👍", minutes(1)), reaction("B", "🎉", minutes(2), ours=True)]
    receiver.receive(lease, [hello("M", body="Cake?", at=START), *both])
    html = shown(the_message())
    assert "Carla reacted 👍" in html
    assert "You reacted 🎉" in html
    page = chat.messages_page(business, Conversation.objects.get())
    assert [said.whatsapp_message_id for said in page.messages] == ["M"]

    receiver.receive(lease, [reaction("C", "", minutes(3)), reaction("D", "", minutes(3), ours=True)])
    html = shown(the_message())
    assert "reacted" not in html.lower()
    assert Conversation.objects.get().preview == "Cake?"


def test_a_reaction_to_what_we_do_not_have_is_kept_and_says_so(lease: Lease) -> None:
    receiver.receive(lease, [reaction("A", "👍", START, on="UNKNOWN")])
    assert Message.objects.get().content == "👍"
    assert Conversation.objects.get().preview == "Reacted 👍 to a message"


def test_only_one_emoji_of_a_reaction_counts(lease: Lease) -> None:
    receiver.receive(lease, [hello("M", at=START), reaction("A", "👨‍👩‍👧🎂 <b>", minutes(1))])
    assert [one["emoji"] for one in the_message().reactions] == ["👨‍👩‍👧"]
    assert "&lt;b" not in shown(the_message())


@pytest.fixture
def quoted(lease: Lease, business: BusinessProfile) -> Message:
    """A message that was edited, reacted to, answered and then deleted."""
    factories.WebhookFactory(business_profile=business)
    receiver.receive(lease, [hello("M", body=f"{SECRET} cake", at=START)])
    receiver.receive(lease, [Edited("M", CARLA, f"{SECRET} cakes", minutes(1))])
    receiver.receive(lease, [hello("ANSWER", body="Yes!", at=minutes(2), quoted_wa_id="M")])
    receiver.receive(lease, [reaction("A", "👍", minutes(3))])
    assert SECRET in shown(the_message("ANSWER"))
    assert SECRET in Conversation.objects.get().preview
    PublicEvent.objects.all().delete()
    receiver.receive(lease, [Revoked("M", CARLA, minutes(4))])
    return the_message()


def test_nothing_of_a_deleted_message_is_left(quoted: Message, client_of: Any, owner: User) -> None:
    assert "This message was deleted" in shown(quoted)
    answer = shown(the_message("ANSWER"))
    assert "This message was deleted" in answer
    assert SECRET not in answer + shown(quoted) + json.dumps(message_data(quoted), default=str)
    assert Conversation.objects.get().preview == "Yes!"
    assert not hits(quoted, SECRET)

    client: Client = client_of(owner)
    chat_page = client.get(reverse("messaging:conversation", args=[quoted.conversation_id])).content.decode()
    assert DELETED in chat_page
    assert SECRET not in chat_page
    assert SECRET not in client.get(reverse("messaging:inbox"), {"q": SECRET[:5]}).content.decode()


def test_webhooks_are_told_that_it_was_deleted_and_no_word_of_it(quoted: Message) -> None:
    row = PublicEvent.objects.get(type="message.updated")
    told = json.loads(row.payload)["data"]
    assert SECRET not in json.dumps(told)
    assert (told["content"], told["reactions"], told["editedAt"]) == ("", [], None)
    assert told["deletedAt"]


def test_a_campaigns_mark_stays_on_a_deleted_message(lease: Lease, conversation: Conversation) -> None:
    row = factories.MessageFactory(
        conversation=conversation,
        outbound=True,
        whatsapp_message_id="OURS",
        metadata={"campaign": {"id": "1"}, "more": SECRET},
    )
    receiver.receive(lease, [Revoked("OURS", CARLA, minutes(1), from_me=True)])
    row.refresh_from_db()
    assert row.metadata.keys() == {"campaign", "revoked_at"}
    assert "You deleted this message" in shown(row)


def test_an_edit_keeps_what_is_known_of_the_message(lease: Lease, conversation: Conversation) -> None:
    row = factories.MessageFactory(
        conversation=conversation,
        outbound=True,
        whatsapp_message_id="OURS",
        metadata={"campaign": {"id": "1"}},
    )
    receiver.receive(lease, [Edited("OURS", CARLA, "Hello", minutes(1), from_me=True)])
    row.refresh_from_db()
    assert (row.content, row.metadata["campaign"]) == ("Hello", {"id": "1"})


def test_the_form_of_reactions_outside(lease: Lease) -> None:
    told = [hello("M", at=START), reaction("A", "👍", minutes(1)), Edited("M", CARLA, "Hi", minutes(2))]
    receiver.receive(lease, told)
    data = message_data(the_message())
    assert data["reactions"] == [{"emoji": "👍", "direction": "inbound", "at": minutes(1)}]
    assert (data["editedAt"], data["deletedAt"]) == (minutes(2), None)
    assert "reactions" not in data["metadata"]
