"""The session runner with the real outbox, driving a simulated phone."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import BusinessProfile, User
from connections import leases
from connections.drivers import registry
from connections.drivers.base import MessageKind, OutgoingMessage, Sent, SessionLost, State, Transient
from connections.drivers.sandbox.driver import SandboxDriver
from connections.leases import LeaseLost
from connections.models import SandboxCustomer, SandboxMessage, SandboxPhone, WhatsAppConnection
from connections.services import numbers, sandbox, sessions
from contacts.models import Contact
from core.realtime import wakeup
from messaging.models import Conversation, MediaFile, Message
from messaging.outbox import queue
from messaging.runner.ack_watchdog import AckWatchdog
from messaging.runner.sender import Sender
from tests import factories
from tests.connections.driver_contract import PICTURE, until
from tests.connections.live import Running, has_status, is_connected, running
from tests.messaging.helpers import lease_of

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("media_root"),
]

Reason = WhatsAppConnection.Reason
Status = WhatsAppConnection.Status


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restarts wait for moments instead of minutes."""
    monkeypatch.setattr(sessions, "RESTART_WAITS", (0.05,))


@pytest.fixture
def linked(connection: WhatsAppConnection) -> WhatsAppConnection:
    """A number whose login is kept on both sides."""
    connection.session_data = "linked"
    connection.status = Status.STARTING
    connection.save()
    return connection


@pytest.fixture
def customer(linked: WhatsAppConnection) -> SandboxCustomer:
    return factories.SandboxCustomerFactory(
        phone=linked.sandbox_phone, name="Ana Souza", number="+9992000000001"
    )


@pytest.fixture
def talk(linked: WhatsAppConnection, customer: SandboxCustomer, conversation: Conversation) -> Conversation:
    """A conversation with `customer`."""
    assert conversation.contact.phone_number == customer.number
    return conversation


def send(talk: Conversation, text: str = "Hello", **fields: Any) -> Message:
    return queue.enqueue(talk.business_profile, talk, text=text, **fields)


def another_talk(connection: WhatsAppConnection) -> Conversation:
    """A conversation with one more customer."""
    person = factories.SandboxCustomerFactory(phone=connection.sandbox_phone)
    business = connection.business_profile
    contact = factories.ContactFactory(business_profile=business, phone_number=person.number)
    return factories.ConversationFactory(business_profile=business, contact=contact, connection=connection)


def picture() -> SimpleUploadedFile:
    return SimpleUploadedFile(PICTURE.name, PICTURE.data)


def reaches(message: Message, status: str) -> None:
    def reached() -> bool:
        message.refresh_from_db()
        return message.status == status

    until(reached, f"status {status} (it is {message.status})")


# -- linking -------------------------------------------------------------------------------------------


def test_try_the_sandbox_connects_by_itself_and_customers_write(
    business: BusinessProfile, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connections.drivers.sandbox.driver.SCAN_SECONDS", 0.0)
    number = sandbox.try_sandbox(business, owner)
    SandboxPhone.objects.filter(connection=number).update(speed=0)
    with running(number):
        is_connected(number)
        until(lambda: Message.objects.filter(connection=number).count() >= 12, "the cast's messages")
        until(lambda: MediaFile.objects.filter(state="ready").exists(), "the picture")
    number.refresh_from_db()
    assert number.phone_number == number.sandbox_phone.number
    assert number.session_data == number.sandbox_phone.linked_secret
    assert number.qr_code == ""
    assert Contact.objects.filter(business_profile=business, phone_number=None).count() == 1
    assert number.skipped_count == 1


def test_a_scan_by_hand_connects(business: BusinessProfile, owner: User) -> None:
    number = numbers.create(business, owner, WhatsAppConnection.Mode.SANDBOX)
    numbers.connect(number, owner)
    with running(number):
        until(has_status(number, Status.QR_PENDING), "the QR code")
        assert number.qr_count == 1
        sandbox.scan(number, owner, number.qr_code)
        is_connected(number)


def test_nobody_scanning_ends_it(business: BusinessProfile, owner: User) -> None:
    number = numbers.create(business, owner, WhatsAppConnection.Mode.SANDBOX)
    WhatsAppConnection.objects.filter(pk=number.pk).update(settings={"qr_seconds": 0.05})
    numbers.connect(number, owner)
    with running(number) as session:
        assert session.ended()
    number.refresh_from_db()
    assert (number.status, number.status_reason) == (Status.DISCONNECTED, Reason.QR_EXPIRED)
    assert number.desired == WhatsAppConnection.Desired.OFFLINE
    assert (number.qr_code, number.qr_count) == ("", 5)


def test_asking_for_a_pairing_code_while_the_qr_code_is_on_show(
    business: BusinessProfile, owner: User
) -> None:
    number = numbers.create(business, owner, WhatsAppConnection.Mode.SANDBOX)
    numbers.connect(number, owner)
    with running(number):
        until(has_status(number, Status.QR_PENDING), "the QR code")
        numbers.connect(number, owner, pairing_phone=number.sandbox_phone.number)

        def code() -> str:
            number.refresh_from_db()
            return number.pairing_code

        sandbox.scan(number, owner, until(code, "the pairing code"))
        is_connected(number)
    assert number.pairing_code == ""


def test_a_phone_that_is_linked_in_another_place_is_refused(
    linked: WhatsAppConnection, other_business: BusinessProfile, stranger: User
) -> None:
    number = numbers.create(other_business, stranger, WhatsAppConnection.Mode.SANDBOX)
    phone = number.sandbox_phone
    SandboxPhone.objects.filter(connection=linked).update(number="+9991999999999")
    SandboxPhone.objects.filter(pk=phone.pk).update(number=linked.phone_number)
    numbers.connect(number, stranger)
    with running(number) as session:
        until(has_status(number, Status.QR_PENDING), "the QR code")
        sandbox.scan(number, stranger, number.qr_code)
        assert session.ended()
    number.refresh_from_db()
    phone.refresh_from_db()
    assert (number.status_reason, number.phone_number) == (Reason.NUMBER_TAKEN, None)
    assert (number.session_data, phone.linked_secret) == ("", "")


def test_another_phone_than_before_is_refused(linked: WhatsAppConnection) -> None:
    SandboxPhone.objects.filter(connection=linked).update(number="+9991555555555")
    with running(linked) as session:
        assert session.ended()
    linked.refresh_from_db()
    assert (linked.status_reason, linked.phone_number) == (Reason.WRONG_NUMBER, "+9991000000001")
    assert linked.session_data == ""


# -- messages ------------------------------------------------------------------------------------------


def test_a_reply_goes_out_and_its_ticks_turn_blue(linked: WhatsAppConnection, talk: Conversation) -> None:
    with running(linked):
        is_connected(linked)
        message = send(talk, "Your cups are ready")
        reaches(message, Message.Status.READ)
    assert SandboxMessage.objects.get(wa_id=message.whatsapp_message_id).body == "Your cups are ready"


def test_what_waited_while_offline_goes_out_in_order(linked: WhatsAppConnection, talk: Conversation) -> None:
    texts = [f"number {index}" for index in range(25)]
    for text in texts:
        send(talk, text)
    with running(linked):
        until(lambda: SandboxMessage.objects.filter(from_me=True).count() == 25, "25 messages")
    sent = SandboxMessage.objects.filter(from_me=True).order_by("created_at", "id")
    assert [message.body for message in sent] == texts
    assert {message.attempts for message in sent} == {1}


def test_a_customers_message_comes_in_with_its_picture(
    linked: WhatsAppConnection, customer: SandboxCustomer
) -> None:
    with running(linked):
        is_connected(linked)
        sandbox.write_as(customer, None, "Look", picture())
        until(lambda: Message.objects.filter(content="Look").exists(), "the message")
        until(lambda: MediaFile.objects.filter(state=MediaFile.State.READY).exists(), "the picture")
    assert Message.objects.get().message_type == MessageKind.IMAGE


def test_media_that_fail_for_now_are_fetched_later(
    linked: WhatsAppConnection, customer: SandboxCustomer
) -> None:
    sandbox.set_faults(linked, fail_downloads=1)
    sandbox.write_as(customer, None, "", picture())
    with running(linked):
        until(lambda: MediaFile.objects.filter(attempts=1, state="wanted").exists(), "the failed try")
        MediaFile.objects.update(not_before=None)
        wakeup.notify(wakeup.connection_topic(linked.pk))
        until(lambda: MediaFile.objects.filter(state="ready").exists(), "the picture")


def test_twenty_messages_while_nobody_listened_make_twenty_rows(
    linked: WhatsAppConnection, customer: SandboxCustomer
) -> None:
    for index in range(20):
        sandbox.write_as(customer, None, f"number {index}")
    with running(linked):
        until(lambda: Message.objects.count() >= 20, "20 messages")
        is_connected(linked)
    assert Message.objects.count() == 20


def test_events_that_got_lost_are_healed_after_a_reconnect(
    linked: WhatsAppConnection, customer: SandboxCustomer
) -> None:
    sandbox.set_faults(linked, lose_events=5)
    with running(linked):
        until(lambda: _caught_up(linked), "the first look at the recent chats")
        for index in range(5):
            sandbox.write_as(customer, None, f"number {index}")
        until(lambda: "lose_events" not in _faults(linked) or not _faults(linked)["lose_events"], "the loss")
    assert not Message.objects.exists()
    with running(linked):
        until(lambda: Message.objects.filter(backfilled=True).count() == 5, "the repair")
    linked.refresh_from_db()
    assert linked.backfilled_count == 5


def test_doubled_shuffled_and_encrypted_events_make_one_row_each(
    linked: WhatsAppConnection, customer: SandboxCustomer
) -> None:
    sandbox.set_faults(linked, double_events=True, shuffle_events=True, encrypted_first=True)
    for index in range(30):
        sandbox.write_as(customer, None, f"number {index}")
    with running(linked):
        until(lambda: Message.objects.filter(body_pending=False).count() == 30, "30 messages")
    assert set(Message.objects.values_list("content", flat=True)) == {
        f"number {index}" for index in range(30)
    }


# -- faults of a send ----------------------------------------------------------------------------------


def test_a_send_that_fails_for_now_waits_and_a_refused_one_fails(
    linked: WhatsAppConnection, talk: Conversation
) -> None:
    sandbox.set_faults(linked, fail_next=1)
    with running(linked):
        first = send(talk)
        until(
            lambda: Message.objects.filter(pk=first.pk, status="queued", attempts=1).exists(), "the first try"
        )
        sandbox.set_faults(linked, fail_permanently_next=1)
        Message.objects.filter(pk=first.pk).update(not_before=None)
        wakeup.notify(wakeup.connection_topic(linked.pk))
        reaches(first, Message.Status.FAILED)
    assert first.error_code == "refused"
    assert not SandboxMessage.objects.filter(from_me=True).exists()


def test_a_number_that_cannot_be_looked_up_is_tried_again_and_gets_its_message(
    linked: WhatsAppConnection, talk: Conversation
) -> None:
    sandbox.set_faults(linked, fail_lookups=1)
    with running(linked):
        message = send(talk)
        until(
            lambda: Message.objects.filter(
                pk=message.pk, status="queued", error_code="lookup_failed"
            ).exists(),
            "the failed question",
        )
        Message.objects.filter(pk=message.pk).update(not_before=None)
        wakeup.notify(wakeup.connection_topic(linked.pk))
        reaches(message, Message.Status.READ)
    assert SandboxMessage.objects.get(from_me=True).attempts == 1


def test_a_result_that_got_lost_is_looked_up_and_nothing_is_sent_twice(
    linked: WhatsAppConnection, talk: Conversation
) -> None:
    sandbox.set_faults(linked, lost_result_next=1)
    with running(linked):
        message = send(talk)
        reaches(message, Message.Status.READ)
    assert SandboxMessage.objects.get(from_me=True).attempts == 1


@pytest.mark.parametrize("how", ["the driver breaks", "the connection is lost"])
def test_when_a_send_ends_the_session_the_others_leave_with_the_next_one(
    linked: WhatsAppConnection, talk: Conversation, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    failures = iter([RuntimeError("boom") if how == "the driver breaks" else SessionLost("crashed")])
    real = SandboxDriver.send

    def breaks_once(driver: SandboxDriver, message: OutgoingMessage) -> Sent:
        if error := next(failures, None):
            raise error
        return real(driver, message)

    monkeypatch.setattr(SandboxDriver, "send", breaks_once)
    first, *others = [send(one) for one in (talk, another_talk(linked), another_talk(linked))]
    with running(linked):
        for message in others:
            reaches(message, Message.Status.READ)
        is_connected(linked)
        assert linked.lease_epoch == 1
    first.refresh_from_db()
    assert first.status == Message.Status.SENDING
    assert {message.attempts for message in SandboxMessage.objects.filter(from_me=True)} == {1}


def test_nothing_is_handed_over_once_the_lease_may_have_run_out(
    linked: WhatsAppConnection, talk: Conversation
) -> None:
    """The claim and the id were saved in time; then the process was paused for longer than its lease."""
    message, lease = send(talk), lease_of(linked)
    driver = registry.create(linked, lambda: None)
    sender = Sender(driver, lease, AckWatchdog(), lambda: False)
    leases.keeper.hold(lease, lambda: None, time.monotonic() - settings.LEASE_SECONDS)
    try:
        with pytest.raises(LeaseLost):
            sender.send_batch()
    finally:
        leases.keeper.drop(lease)
    message.refresh_from_db()
    assert message.status == Message.Status.SENDING
    assert not SandboxMessage.objects.filter(from_me=True).exists()


def test_a_connection_lost_before_the_send_makes_it_unknown_and_a_person_sends_it_again(
    linked: WhatsAppConnection, talk: Conversation, owner: User, settings: Any
) -> None:
    settings.UNKNOWN_AFTER_SECONDS = 0.3
    sandbox.set_faults(linked, drop_next=1)
    with running(linked):
        message = send(talk)
        reaches(message, Message.Status.UNKNOWN)
        assert not SandboxMessage.objects.filter(from_me=True).exists()
        wa_id = message.whatsapp_message_id
        queue.retry(talk.business_profile, message, owner)
        reaches(message, Message.Status.READ)
    assert SandboxMessage.objects.get(from_me=True).wa_id == wa_id == message.whatsapp_message_id


def test_receipts_before_the_send_returns_do_not_fall_back(
    linked: WhatsAppConnection, talk: Conversation
) -> None:
    sandbox.set_faults(linked, ack_before_return=True, double_events=True, shuffle_events=True)
    with running(linked):
        reaches(send(talk), Message.Status.READ)


def test_a_number_whose_sends_are_never_confirmed_says_so(
    linked: WhatsAppConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "RESTART_WAITS", (1.0,))
    sandbox.set_faults(linked, drop_acks=True)
    with running(linked, AckWatchdog(window=0.3, threshold=3)):
        for _ in range(3):
            send(another_talk(linked))
        until(has_status(linked, Status.DEGRADED, Reason.NO_ACKS), "the warning")
        sandbox.set_faults(linked, drop_acks=False)
        is_connected(linked)
    assert not Message.objects.exclude(status__in=["sent", "delivered", "read"]).exists()


def test_a_phone_without_network_keeps_the_queue(linked: WhatsAppConnection, talk: Conversation) -> None:
    sandbox.set_online(linked, False)
    with running(linked):
        until(has_status(linked, Status.DEGRADED, Reason.PHONE_OFFLINE), "the warning")
        message = send(talk)
        sandbox.set_online(linked, True)
        reaches(message, Message.Status.READ)
        is_connected(linked)
    assert message.attempts == 1


def test_a_page_that_does_not_answer_keeps_the_queue(
    linked: WhatsAppConnection, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    trouble = "no_answer"
    state = SandboxDriver.state

    def look(driver: SandboxDriver) -> State:
        looks.append(trouble)
        return replace(state(driver), degraded=trouble)

    monkeypatch.setattr(SandboxDriver, "state", look)
    with running(linked):
        until(has_status(linked, Status.DEGRADED, Reason.NO_ANSWER), "the warning")
        message = send(talk)
        looks.clear()
        wakeup.notify(wakeup.connection_topic(linked.pk))
        until(lambda: looks, "another look")
        message.refresh_from_db()
        assert message.status == Message.Status.QUEUED
        trouble = ""
        wakeup.notify(wakeup.connection_topic(linked.pk))
        reaches(message, Message.Status.READ)
        is_connected(linked)
    assert message.attempts == 1


def test_chats_that_cannot_be_looked_through_hold_nothing_up(
    linked: WhatsAppConnection,
    talk: Conversation,
    customer: SandboxCustomer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[datetime] = []

    def history(driver: SandboxDriver, since: datetime, chats: Any = ()) -> list[Any]:
        tried.append(since)
        raise Transient("no_answer")

    monkeypatch.setattr(SandboxDriver, "history", history)
    with running(linked):
        message = send(talk)
        reaches(message, Message.Status.READ)
        sandbox.write_as(customer, None, "And what about me?")
        until(lambda: Message.objects.filter(content="And what about me?").exists(), "the message")
    assert len(tried) == 1


# -- ends ----------------------------------------------------------------------------------------------


def test_disconnecting_keeps_the_login_and_the_queue(
    linked: WhatsAppConnection, talk: Conversation, owner: User
) -> None:
    with running(linked) as session:
        is_connected(linked)
        numbers.disconnect(linked, owner)
        assert session.ended()
    message = send(talk)
    linked.refresh_from_db()
    assert (linked.status, linked.status_reason) == (Status.DISCONNECTED, Reason.USER)
    assert (linked.session_data, linked.lease_owner) == ("linked", "")
    numbers.connect(linked, owner)
    with running(linked):
        reaches(message, Message.Status.READ)


def test_logging_out_unlinks_the_phone(linked: WhatsAppConnection, owner: User) -> None:
    with running(linked) as session:
        is_connected(linked)
        numbers.logout(linked, owner)
        assert session.ended()
    linked.refresh_from_db()
    linked.sandbox_phone.refresh_from_db()
    assert (linked.session_data, linked.sandbox_phone.linked_secret) == ("", "")
    assert linked.desired == WhatsAppConnection.Desired.OFFLINE


def test_a_logout_while_nobody_drives_the_number_is_done_by_the_next_runner(
    linked: WhatsAppConnection, owner: User
) -> None:
    numbers.logout(linked, owner)
    assert linked.desired == WhatsAppConnection.Desired.LOGGED_OUT
    with running(linked) as session:
        assert session.ended()
    linked.sandbox_phone.refresh_from_db()
    assert linked.sandbox_phone.linked_secret == ""


@pytest.mark.parametrize("reason", ["unlinked", "replaced", "banned"])
def test_why_a_login_ended_is_kept(linked: WhatsAppConnection, reason: str) -> None:
    with running(linked) as session:
        is_connected(linked)
        sandbox.unlink_on_phone(linked, reason)
        assert session.ended()
    linked.refresh_from_db()
    assert (linked.status, linked.status_reason) == (Status.DISCONNECTED, reason)
    assert (linked.desired, linked.session_data) == (WhatsAppConnection.Desired.OFFLINE, "")


def test_stopping_the_worker_releases_the_number_for_the_next(linked: WhatsAppConnection) -> None:
    with running(linked):
        is_connected(linked)
    linked.refresh_from_db()
    assert (linked.status, linked.lease_owner) == (Status.STARTING, "")
    with running(linked):
        is_connected(linked)
    linked.refresh_from_db()
    assert linked.lease_epoch == 2


def test_a_second_runner_of_the_same_number_returns_at_once(linked: WhatsAppConnection) -> None:
    with running(linked):
        is_connected(linked)
        assert Running(linked).ended()
        linked.refresh_from_db()
        assert linked.lease_epoch == 1


def test_a_runner_that_lost_its_lease_stops_and_writes_nothing(
    linked: WhatsAppConnection, talk: Conversation
) -> None:
    with running(linked) as session:
        is_connected(linked)
        WhatsAppConnection.objects.filter(pk=linked.pk).update(
            lease_expires_at=timezone.now() - timedelta(seconds=1)
        )
        other = leases.acquire(linked.pk, "somebody else")
        message = send(talk)
        assert session.ended()
    assert other is not None
    message.refresh_from_db()
    linked.refresh_from_db()
    assert message.status == Message.Status.QUEUED
    assert (linked.status, linked.lease_owner) == (Status.CONNECTED, "somebody else")


def test_a_driver_that_breaks_is_opened_again_after_growing_waits(
    linked: WhatsAppConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([RuntimeError("boom"), RuntimeError("boom again")])
    real = SandboxDriver.open

    def breaks_twice(driver: SandboxDriver) -> None:
        if error := next(failures, None):
            raise error
        real(driver)

    monkeypatch.setattr(SandboxDriver, "open", breaks_twice)
    with running(linked):
        is_connected(linked)
    linked.refresh_from_db()
    assert linked.restart_count == 2


def test_for_a_long_wait_the_number_is_given_back(
    linked: WhatsAppConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "RESTART_WAITS", (300.0,))

    def breaks(driver: SandboxDriver) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(SandboxDriver, "open", breaks)
    with running(linked) as session:
        assert session.ended()
    linked.refresh_from_db()
    assert (linked.status, linked.status_reason, linked.lease_owner) == (
        Status.DISCONNECTED,
        Reason.ERROR,
        "",
    )
    assert sessions.ensure() == 0


def test_every_mode_on_offer_has_a_driver() -> None:
    for mode in registry.modes():
        assert registry.driver_class(mode).mode == mode


def _caught_up(connection: WhatsAppConnection) -> bool:
    connection.refresh_from_db()
    return "caught_up_at" in connection.inbound_cursor


def _faults(connection: WhatsAppConnection) -> dict[str, Any]:
    faults: dict[str, Any] = SandboxPhone.objects.get(connection=connection).faults
    return faults
