"""The simulated WhatsApp: its people, its faults, and what a person does on the simulated phone."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import BusinessProfile, User
from connections import selectors, state_texts
from connections.driver_stores.sandbox import SandboxStore
from connections.drivers.base import (
    Ack,
    AckLevel,
    Chat,
    Identified,
    InboundMessage,
    MessageKind,
    OutgoingMessage,
    Skipped,
    Typing,
)
from connections.drivers.sandbox import faults, images
from connections.drivers.sandbox.personas import OPENING_CAST, PERSONAS, persona
from connections.drivers.sandbox.simulation import World
from connections.models import SandboxCustomer, SandboxEvent, SandboxMessage, SandboxPhone, WhatsAppConnection
from connections.services import numbers, sandbox
from core.errors import Conflict, InvalidInput, NotFound
from tests import factories
from tests.connections.driver_contract import PICTURE

pytestmark = pytest.mark.usefixtures("media_root")


@pytest.fixture
def world(connection: WhatsAppConnection) -> World:
    return World(SandboxStore(connection.pk))


def someone(connection: WhatsAppConnection, role: str = "quiet", **fields: Any) -> SandboxCustomer:
    return factories.SandboxCustomerFactory(phone=connection.sandbox_phone, persona=role, **fields)


def business_writes(world: World, number: str, text: str = "Hello") -> list[Any]:
    """Send to this number; returns every event that follows."""
    customer = world.customer_behind(Chat(phone=number))
    assert customer is not None
    message = OutgoingMessage(
        f"ID-{SandboxMessage.objects.count()}", Chat(phone=number), MessageKind.TEXT, text
    )
    world.accept(world.store.phone(), [(message, customer)])
    return drain(world)


def drain(world: World) -> list[Any]:
    told = world.due_events(500)
    world.store.mark_delivered([one.id for one in told])
    return [one.event for one in told]


def first_day(connection: WhatsAppConnection) -> list[Any]:
    """What the cast of a newly linked phone does."""
    SandboxPhone.objects.filter(connection=connection).update(cast_started=False)
    world = World(SandboxStore(connection.pk))
    world.begin(world.store.phone())
    return drain(world)


# -- people --------------------------------------------------------------------------------------------


def test_the_cast_writes_when_a_phone_is_linked_for_the_first_time(connection: WhatsAppConnection) -> None:
    events = first_day(connection)
    messages = [event for event in events if isinstance(event, InboundMessage)]
    assert len({event.chat for event in messages}) == len(OPENING_CAST) == 8
    assert any(event.kind == MessageKind.IMAGE for event in messages)
    assert any(event.body == "STOP" for event in messages)
    assert [event.chat.phone for event in messages if event.chat.lid] == [None]
    assert sum(isinstance(event, Skipped) for event in events) == 1
    assert SandboxCustomer.objects.count() == 8


def test_the_cast_begins_once(connection: WhatsAppConnection) -> None:
    first_day(connection)
    world = World(SandboxStore(connection.pk))
    world.begin(world.store.phone())
    assert not SandboxEvent.objects.exists()


def test_the_first_customer_writes_within_two_seconds_and_all_within_a_minute(
    connection: WhatsAppConnection,
) -> None:
    SandboxPhone.objects.filter(connection=connection).update(cast_started=False, speed=1)
    world = World(SandboxStore(connection.pk))
    start = world.clock()
    world.begin(world.store.phone())
    due = [(e.due_at - start).total_seconds() for e in SandboxEvent.objects.filter(kind="message")]
    assert min(due) <= 2
    assert 25 <= max(due) <= 60


def test_one_seed_makes_one_world(business: BusinessProfile, owner: User) -> None:
    seen = []
    for _ in range(2):
        number = numbers.create(business, owner, WhatsAppConnection.Mode.SANDBOX)
        SandboxPhone.objects.filter(connection=number).update(seed=42, speed=0)
        number.refresh_from_db()
        seen.append([(e.wa_id, e.body) for e in first_day(number) if isinstance(e, InboundMessage)])
        number.delete()
    assert seen[0] == seen[1]


def test_everybody_who_reads_answers_within_reason(world: World, connection: WhatsAppConnection) -> None:
    for role in PERSONAS:
        customer = someone(connection, role)
        events = business_writes(world, customer.number, "Hello, what can we do for you?")
        levels = [event.level for event in events if isinstance(event, Ack)]
        assert levels == sorted(levels)
        assert (AckLevel.READ in levels) == (persona(role).reads is not None)
        answers = [event for event in events if isinstance(event, InboundMessage)]
        assert len(answers) == sum(isinstance(event, Typing) for event in events)


def test_somebody_chatty_answers_what_was_said() -> None:
    chatty = PERSONAS["chatty"]
    for text in ("Hello!", "They cost 4.50", "Sorry, sold out", "Thank you", "Bye", "Tomorrow?", "mhm"):
        assert chatty.answer(0, text, random.Random(1))


def test_a_lid_gets_its_number_with_the_second_answer(world: World, connection: WhatsAppConnection) -> None:
    customer = someone(connection, "private", hides_number=True)
    first = business_writes(world, customer.number)
    assert {event.chat for event in first if isinstance(event, InboundMessage)} == {Chat(lid=customer.lid)}
    second = business_writes(world, customer.number)
    assert Identified(phone=customer.number, lid=customer.lid) in second
    assert [event.chat for event in second if isinstance(event, InboundMessage)] == [
        Chat(phone=customer.number)
    ]


def test_who_blocked_the_business_gets_nothing(world: World, connection: WhatsAppConnection) -> None:
    assert business_writes(world, someone(connection, "chatty", blocked=True).number) == []


def test_a_number_nobody_wrote_from_has_somebody_behind_it(world: World) -> None:
    person = world.customer_behind(Chat(phone="+9993000000042"))
    assert person is not None
    assert world.customer_behind(Chat(phone="+9993000000042")) == person
    assert world.customer_behind(Chat(phone="+9993000000000")) is None
    assert world.customer_behind(Chat(phone="+447700900123")) is None


def test_an_id_that_is_handed_over_twice_is_counted_and_delivered_once(
    world: World, connection: WhatsAppConnection
) -> None:
    number = someone(connection, "greeter").number
    customer = world.customer_behind(Chat(phone=number))
    assert customer is not None
    message = OutgoingMessage("SAME", Chat(phone=number), MessageKind.TEXT, "Hello")
    phone = world.store.phone()
    assert [world.accept(phone, [(message, customer)])[0].attempts for _ in range(2)] == [1, 2]
    assert SandboxMessage.objects.get(wa_id="SAME").attempts == 2
    assert SandboxCustomer.objects.get(pk=customer.id).step == 1


def test_pictures_are_the_same_for_the_same_seed() -> None:
    assert images.parcel_photo(5) == images.parcel_photo(5) != images.parcel_photo(6)
    assert images.parcel_photo(5)[:3] == b"\xff\xd8\xff"


# -- the phone page's verbs ----------------------------------------------------------------------------


def test_trying_the_sandbox_twice_gives_the_same_number(business: BusinessProfile, owner: User) -> None:
    first = sandbox.try_sandbox(business, owner)
    assert sandbox.try_sandbox(business, owner) == first
    assert first.desired == WhatsAppConnection.Desired.ONLINE


@pytest.mark.parametrize("code", ["", "nonsense", "whatsflow-sandbox:other:secret", "ABCD1234"])
def test_a_wrong_code_links_nothing(connection: WhatsAppConnection, owner: User, code: str) -> None:
    SandboxStore(connection.pk).unlink("")
    with pytest.raises(InvalidInput) as refused:
        sandbox.scan(connection, owner, code)
    assert refused.value.code == "wrong_qr"
    assert SandboxStore(connection.pk).phone().linked_secret == ""


def test_a_code_that_is_not_on_show_any_more_links_nothing(
    connection: WhatsAppConnection, owner: User
) -> None:
    with pytest.raises(InvalidInput) as refused:
        sandbox.scan(connection, owner, f"whatsflow-sandbox:{connection.sandbox_phone.pk}:yesterday")
    assert refused.value.code == "qr_expired"


def test_writing_as_a_customer_shows_in_the_transcript_and_waits_for_the_device(
    connection: WhatsAppConnection, owner: User
) -> None:
    customer = someone(connection)
    message = sandbox.write_as(customer, owner, "Hello")
    assert selectors.sandbox_transcript(customer) == [message]
    assert SandboxEvent.objects.count() == 1
    assert selectors.sandbox_customers(connection)[0].last_body == "Hello"


def test_a_file_gets_the_type_of_its_content_not_of_its_name(
    connection: WhatsAppConnection, owner: User
) -> None:
    customer = someone(connection)
    picture = sandbox.write_as(customer, owner, "", SimpleUploadedFile("a.txt", PICTURE.data))
    document = sandbox.write_as(customer, owner, "", SimpleUploadedFile("a.png", b"just text"))
    assert (picture.kind, picture.media_mime) == ("image", "image/png")
    assert (document.kind, document.media_mime) == ("document", "application/octet-stream")


@pytest.mark.parametrize(
    ("text", "code"), [("", "message_empty"), ("  ", "message_empty"), ("x" * 65_537, "message_too_long")]
)
def test_nothing_and_too_much_are_refused(
    connection: WhatsAppConnection, owner: User, text: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        sandbox.write_as(someone(connection), owner, text)
    assert refused.value.code == code
    assert not SandboxMessage.objects.exists()


def test_a_file_that_is_too_large_is_refused(
    connection: WhatsAppConnection, owner: User, settings: Any
) -> None:
    settings.MEDIA_MAX_BYTES = dict.fromkeys(settings.MEDIA_MAX_BYTES, 10)
    with pytest.raises(InvalidInput) as refused:
        sandbox.write_as(someone(connection), owner, "", SimpleUploadedFile("a.png", PICTURE.data))
    assert refused.value.code == "file_too_large"


def test_customers_are_added_with_a_free_number_or_their_own(
    connection: WhatsAppConnection, owner: User
) -> None:
    assert sandbox.add_customer(connection, owner, "Ida").number.startswith("+9998")
    mine = sandbox.add_customer(
        connection, owner, " Kim  Lee ", "+999 2000 00012", "chatty", hides_number=True
    )
    assert (mine.name, mine.number, mine.hides_number) == ("Kim Lee", "+999200000012", True)
    with pytest.raises(Conflict):
        sandbox.add_customer(connection, owner, "Twin", "+999200000012")


@pytest.mark.parametrize(
    "fields", [{"name": " "}, {"name": "A", "number": "+447700900123"}, {"name": "A", "persona": "ghost"}]
)
def test_customers_that_cannot_be_are_refused(
    connection: WhatsAppConnection, owner: User, fields: dict[str, str]
) -> None:
    with pytest.raises(InvalidInput):
        sandbox.add_customer(connection, owner, **fields)
    assert not SandboxCustomer.objects.exists()


def test_faults_are_set_one_by_one_and_checked(connection: WhatsAppConnection) -> None:
    sandbox.set_faults(connection, fail_next=2, drop_acks=True)
    sandbox.set_faults(connection, drop_acks=False, slow_ms=5)
    assert SandboxPhone.objects.get().faults == {"fail_next": 2, "slow_ms": 5}
    for wrong in ({"explode": 1}, {"fail_next": -1}, {"slow_ms": 10**9}, {"fail_next": "many"}):
        with pytest.raises(InvalidInput):
            sandbox.set_faults(connection, **wrong)
    assert SandboxPhone.objects.get().faults == {"fail_next": 2, "slow_ms": 5}


def test_a_counted_fault_strikes_so_many_times(connection: WhatsAppConnection) -> None:
    sandbox.set_faults(connection, fail_next=2)
    store = SandboxStore(connection.pk)
    assert [store.take_fault("fail_next") for _ in range(3)] == [True, True, False]


def test_every_fault_has_words() -> None:
    assert all(faults.COUNTED.values())
    assert all(faults.SWITCHES.values())


# -- reading -------------------------------------------------------------------------------------------


def test_another_business_finds_nothing(
    connection: WhatsAppConnection, other_business: BusinessProfile
) -> None:
    customer = someone(connection)
    message = sandbox.write_as(customer, None, "Hello")
    for find, key in (
        (selectors.get_connection, connection.pk),
        (selectors.get_customer, customer.pk),
        (selectors.get_sandbox_message, message.pk),
        (selectors.get_connection, "no-uuid"),
    ):
        with pytest.raises(NotFound):
            find(other_business, key)
    assert not selectors.connections_of(other_business).exists()


def test_every_state_has_words() -> None:
    of = WhatsAppConnection
    for state in product(of.Status.values, of.Reason.values, of.Desired.values):
        status, reason, desired = state
        words = state_texts.reason_text(of(status=status, status_reason=reason, desired=desired))
        assert words.title, state
        assert words.text, state


def test_reasons_that_end_a_session_have_words_and_a_next_step_of_their_own() -> None:
    ended = [reason for reason in WhatsAppConnection.Reason.values if reason not in ("", "no_worker")]
    words = [
        state_texts.reason_text(WhatsAppConnection(status="disconnected", status_reason=reason))
        for reason in ended
    ]
    assert len({one.title for one in words}) == len(ended)
    assert all(one.next_step for one in words)
