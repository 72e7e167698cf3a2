"""What every driver must do. A driver's own test module subclasses `DriverContract` and gives it a `Rig`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

import pytest

from connections.drivers.base import (
    Ack,
    AckLevel,
    Chat,
    Driver,
    Event,
    InboundMessage,
    MediaBlob,
    MessageKind,
    OutgoingMessage,
    Permanent,
    Phase,
    Sent,
    SessionLost,
    State,
)

PATIENCE = 60.0
PICTURE = MediaBlob(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0f01f"
        "0005000201a2d2b1c30000000049454e44ae426082"
    ),
    "image/png",
    "cup.png",
)
"""One pixel."""
T = TypeVar("T")


class Rig(Protocol):
    """A WhatsApp to talk to, and what a test can see of its other side."""

    own_number: str
    customer: Chat
    nobody: Chat
    """A well-formed chat of somebody who is not on WhatsApp."""

    def driver(self, session: str = "", *, pairing_phone: str = "", qr_seconds: float = 20.0) -> Driver:
        """A driver, opened. `session`: what an earlier one saved."""

    def scan(self, state: State) -> None:
        """The phone scans the QR code on show."""

    def type_code(self, state: State) -> None:
        """A person types the pairing code on the phone."""

    def customer_writes(self, text: str, picture: MediaBlob | None = None, quoted: str = "") -> str:
        """Returns the message's id."""

    def owner_writes(self, text: str) -> str:
        """Somebody types a message to the customer on the business's own phone. Returns its id."""

    def copies(self, wa_id: str) -> int:
        """How many messages with this id the customer has."""

    def seen_by_customer(self, wa_id: str) -> OutgoingMessage:
        """A message of the business as it arrived at the customer."""

    def read_by_business(self, wa_id: str) -> bool:
        """Whether the customer sees that this message of theirs was read."""

    def sees_typing(self) -> bool:
        """Whether the customer sees that the business is typing."""

    def unlink(self) -> None:
        """The device is removed on the phone."""


def until(value: Callable[[], T], what: str = "it", seconds: float = PATIENCE) -> T:
    """Ask until the answer is true, and return it; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := value():
            return found
        time.sleep(0.01)
    pytest.fail(f"{what} did not happen within {seconds} s")


def take(driver: Driver) -> Sequence[Event]:
    """Drain and confirm."""
    events = driver.drain()
    driver.confirm()
    return events


def in_phase(driver: Driver, phase: Phase) -> State:
    """The driver's state once it is in `phase`."""

    def reached() -> State | None:
        state = driver.state()
        return state if state.phase == phase else None

    return until(reached, f"phase {phase}")


def receipts(driver: Driver, wa_id: str, at_least: AckLevel) -> list[AckLevel]:
    """The receipts told for a message, until one of `at_least` has come."""
    levels: list[AckLevel] = []

    def enough() -> bool:
        levels.extend(
            event.level for event in take(driver) if isinstance(event, Ack) and event.wa_id == wa_id
        )
        return any(level >= at_least for level in levels)

    until(enough, f"a receipt of {at_least.name}")
    return levels


def message_in(driver: Driver, wa_id: str) -> InboundMessage:
    """The event of a message, once it is told."""

    def told() -> InboundMessage | None:
        found = [
            event for event in take(driver) if isinstance(event, InboundMessage) and event.wa_id == wa_id
        ]
        return found[0] if found else None

    return until(told, "the message")


class DriverContract:
    """Subclass it and provide the fixture `rig`."""

    @pytest.fixture
    def ready(self, rig: Rig) -> Driver:
        """A driver that is linked and ready."""
        driver = rig.driver()
        rig.scan(in_phase(driver, Phase.QR))
        in_phase(driver, Phase.READY)
        return driver

    @pytest.fixture
    def talking(self, ready: Driver) -> Driver:
        """A ready driver that the test leaves as it is: a subclass may give the same one to several tests."""
        return ready

    def text(self, driver: Driver, rig: Rig, body: str = "Your cups are ready.") -> OutgoingMessage:
        wa_id = driver.new_message_id(rig.customer)
        return OutgoingMessage(wa_id=wa_id, chat=rig.customer, kind=MessageKind.TEXT, body=body)

    # -- linking ---------------------------------------------------------------------------------------

    def test_an_unlinked_driver_shows_a_qr_code_and_is_ready_after_the_scan(self, rig: Rig) -> None:
        driver = rig.driver()
        state = in_phase(driver, Phase.QR)
        assert state.qr
        assert state.qr_expires_in
        rig.scan(state)
        assert in_phase(driver, Phase.READY).own_number == rig.own_number

    def test_qr_codes_are_refreshed_and_end_after_five(self, rig: Rig) -> None:
        driver = rig.driver(qr_seconds=0.05)
        codes: list[str] = []

        def over() -> bool:
            state = driver.state()
            if state.qr and state.qr not in codes:
                codes.append(state.qr)
            return state.phase == Phase.ENDED

        until(over, "the end of the QR codes")
        assert len(codes) == 5
        assert driver.state().reason == "qr_expired"

    def test_a_number_can_be_linked_with_a_pairing_code(self, rig: Rig) -> None:
        driver = rig.driver(pairing_phone=rig.own_number)
        if not driver.capabilities.pairing_code:
            pytest.skip("this driver links by QR code only")
        state = in_phase(driver, Phase.QR)
        assert len(state.pairing_code.replace("-", "")) == 8
        rig.type_code(state)
        in_phase(driver, Phase.READY)

    def test_a_saved_session_logs_in_without_a_scan(self, rig: Rig, ready: Driver) -> None:
        session = ready.save_session()
        ready.close()
        assert session
        again = rig.driver(session)
        assert again.state().phase != Phase.QR
        in_phase(again, Phase.READY)

    def test_unlinking_on_the_phone_ends_the_session_with_that_reason(self, rig: Rig, ready: Driver) -> None:
        rig.unlink()
        assert in_phase(ready, Phase.ENDED).reason == "unlinked"
        assert ready.save_session() == ""

    def test_after_a_logout_there_is_no_login_left(self, rig: Rig, ready: Driver) -> None:
        session = ready.save_session()
        ready.logout()
        assert ready.save_session() == ""
        ready.close()
        assert in_phase(rig.driver(session), Phase.ENDED).reason == "unlinked"

    def test_closing_twice_and_after_the_end_is_harmless(self, rig: Rig, ready: Driver) -> None:
        rig.unlink()
        in_phase(ready, Phase.ENDED)
        ready.close()
        ready.close()

    # -- in --------------------------------------------------------------------------------------------

    def test_a_message_is_told_until_it_is_confirmed(self, rig: Rig, talking: Driver) -> None:
        wa_id = rig.customer_writes("Hello")

        def told() -> list[str]:
            return [event.wa_id for event in talking.drain() if isinstance(event, InboundMessage)]

        assert until(told, "the message") == [wa_id]
        assert told() == [wa_id]
        talking.confirm()
        assert told() == []

    def test_a_message_carries_who_what_and_when(self, rig: Rig, talking: Driver) -> None:
        message = message_in(talking, rig.customer_writes("Hello <b>there</b> 👋\nsecond line"))
        assert message.body == "Hello <b>there</b> 👋\nsecond line"
        assert message.kind == MessageKind.TEXT
        assert not message.from_me
        assert {message.chat.phone, message.chat.lid} & {rig.customer.phone, rig.customer.lid} - {None}
        assert abs(datetime.now(UTC) - message.at) < timedelta(minutes=1)

    def test_what_was_not_confirmed_is_told_to_the_next_session(self, rig: Rig, ready: Driver) -> None:
        wa_id = rig.customer_writes("Are you there?")
        until(lambda: [e for e in ready.drain() if isinstance(e, InboundMessage)], "the message")
        session = ready.save_session()
        ready.close()
        assert message_in(rig.driver(session), wa_id).body == "Are you there?"

    def test_what_came_while_nobody_listened_is_told_later(self, rig: Rig, ready: Driver) -> None:
        session = ready.save_session()
        ready.close()
        wa_id = rig.customer_writes("Nobody home?")
        again, since = rig.driver(session), datetime.now(UTC) - timedelta(minutes=1)
        in_phase(again, Phase.READY)

        def found() -> list[InboundMessage]:
            events = [*take(again), *again.history(since).events]
            return [event for event in events if isinstance(event, InboundMessage) and event.wa_id == wa_id]

        assert {event.body for event in until(found, "the message")} == {"Nobody home?"}

    def test_a_picture_can_be_downloaded(self, rig: Rig, talking: Driver) -> None:
        message = message_in(talking, rig.customer_writes("Look", PICTURE))
        assert message.kind == MessageKind.IMAGE
        assert message.media is not None
        assert talking.download(message.media).data == PICTURE.data

    def test_a_quoted_message_is_named(self, rig: Rig, talking: Driver) -> None:
        first = rig.customer_writes("One")
        second = rig.customer_writes("Two", quoted=first)
        assert message_in(talking, second).quoted_wa_id == first

    def test_what_is_typed_on_the_phone_comes_as_ours(self, rig: Rig, talking: Driver) -> None:
        message = message_in(talking, rig.owner_writes("From the road"))
        assert message.from_me
        assert message.body == "From the road"

    def test_reading_is_shown_to_the_customer(self, rig: Rig, talking: Driver) -> None:
        wa_id = rig.customer_writes("Read me")
        message = message_in(talking, wa_id)
        talking.mark_read(message.chat, [wa_id])
        until(lambda: rig.read_by_business(wa_id), "the receipt")

    # -- out -------------------------------------------------------------------------------------------

    def test_a_text_arrives_once_and_its_receipts_rise_to_read(self, rig: Rig, talking: Driver) -> None:
        message = self.text(talking, rig, "Tom & Jerry's: 5 < 6 👍")
        assert talking.send(message).ack in (AckLevel.PENDING, AckLevel.SENT)
        levels = receipts(talking, message.wa_id, AckLevel.READ)
        if AckLevel.DELIVERED not in levels:  # receipts may come out of order
            levels += receipts(talking, message.wa_id, AckLevel.DELIVERED)
        assert {AckLevel.DELIVERED, AckLevel.READ} <= set(levels)
        assert rig.copies(message.wa_id) == 1
        assert rig.seen_by_customer(message.wa_id).body == "Tom & Jerry's: 5 < 6 👍"

    def test_a_file_arrives_as_it_was(self, rig: Rig, talking: Driver) -> None:
        wa_id = talking.new_message_id(rig.customer)
        talking.send(OutgoingMessage(wa_id, rig.customer, MessageKind.IMAGE, "A cup", PICTURE))
        seen = rig.seen_by_customer(wa_id)
        assert (seen.kind, seen.body, seen.media) == (MessageKind.IMAGE, "A cup", PICTURE)

    def test_an_id_that_is_there_is_not_sent_again(self, rig: Rig, talking: Driver) -> None:
        message = self.text(talking, rig)
        talking.send(message)
        receipts(talking, message.wa_id, AckLevel.DELIVERED)
        assert talking.send(message).ack >= AckLevel.DELIVERED
        assert rig.copies(message.wa_id) == 1

    def test_a_broadcast_tells_of_each_message_what_became_of_it(self, rig: Rig, talking: Driver) -> None:
        assert talking.batch_size() >= 1
        old = self.text(talking, rig)
        talking.send(old)
        receipts(talking, old.wa_id, AckLevel.DELIVERED)
        new = self.text(talking, rig, "News for everybody")
        lost = OutgoingMessage(talking.new_message_id(rig.nobody), rig.nobody, MessageKind.TEXT, "News")
        again, sent, refused = talking.send_batch([old, new, lost])
        assert isinstance(again, Sent)
        assert isinstance(sent, Sent)
        assert isinstance(refused, Permanent)
        assert refused.code == "not_on_whatsapp"
        assert again.ack >= AckLevel.DELIVERED
        receipts(talking, new.wa_id, AckLevel.DELIVERED)
        assert (rig.copies(old.wa_id), rig.copies(new.wa_id)) == (1, 1)

    def test_ids_are_fresh_and_touch_nothing(self, rig: Rig, talking: Driver) -> None:
        ids = {talking.new_message_id(rig.customer) for _ in range(100)}
        assert len(ids) == 100
        assert all(0 < len(wa_id) <= 255 for wa_id in ids)
        assert rig.copies(ids.pop()) == 0

    def test_a_lookup_tells_what_became_of_an_id(self, rig: Rig, talking: Driver) -> None:
        message = self.text(talking, rig)
        assert talking.lookup(rig.customer, message.wa_id) is None
        talking.send(message)
        until(
            lambda: (
                (talking.lookup(rig.customer, message.wa_id) or Ack("", AckLevel.FAILED, message)).level >= 1
            )
        )

    def test_a_number_that_is_not_on_whatsapp_is_refused_for_good(self, rig: Rig, talking: Driver) -> None:
        message = OutgoingMessage(talking.new_message_id(rig.nobody), rig.nobody, MessageKind.TEXT, "Hello?")
        with pytest.raises(Permanent) as refused:
            talking.send(message)
        assert refused.value.code == "not_on_whatsapp"

    def test_it_knows_which_numbers_are_on_whatsapp(self, rig: Rig, talking: Driver) -> None:
        assert talking.number_exists(rig.customer.phone or "")
        assert not talking.number_exists(rig.nobody.phone or "")

    def test_a_send_without_a_link_loses_the_session(self, rig: Rig, ready: Driver) -> None:
        message = self.text(ready, rig)
        rig.unlink()
        with pytest.raises(SessionLost):
            ready.send(message)
        assert rig.copies(message.wa_id) == 0

    def test_typing_is_shown_to_the_customer(self, rig: Rig, talking: Driver) -> None:
        chat = message_in(talking, rig.customer_writes("Are you there?")).chat
        talking.show_typing(chat, True)
        until(rig.sees_typing, "typing")
        talking.show_typing(chat, False)
        until(lambda: not rig.sees_typing(), "the end of typing")

    def test_profile_pictures_of_those_who_show_one(self, rig: Rig, talking: Driver) -> None:
        chat = message_in(talking, rig.customer_writes("Hello")).chat
        picture = talking.profile_picture(chat)
        assert picture is not None
        assert picture.mime in ("image/png", "image/jpeg")
        assert len(picture.data) > 50
        assert talking.profile_picture(rig.nobody) is None

    # -- history ---------------------------------------------------------------------------------------

    def test_history_has_both_directions_oldest_first(self, rig: Rig, talking: Driver) -> None:
        start = datetime.now(UTC) - timedelta(minutes=1)
        first = rig.customer_writes("One")
        message = self.text(talking, rig, "Two")
        talking.send(message)
        last = rig.customer_writes("Three")
        message_in(talking, last)
        found = [one for one in talking.history(start).events if one.wa_id in (first, message.wa_id, last)]
        assert [one.wa_id for one in found] == [first, message.wa_id, last]
        assert [one.from_me for one in found] == [False, True, False]
        assert not talking.history(datetime.now(UTC) + timedelta(minutes=1)).events
