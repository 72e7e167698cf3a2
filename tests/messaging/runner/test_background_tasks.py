"""One odd file, receipt, picture or look-up holds back no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DataError, OperationalError

from connections.drivers.base import Chat, MediaBlob, MediaRef, MessageKind, Permanent, SessionLost, Transient
from connections.leases import Lease
from connections.models import WhatsAppConnection
from core.clock import now
from messaging.inbound import receiver
from messaging.media import media_files
from messaging.models import ContactPicture, Conversation, MediaFile, Message
from messaging.runner import background_tasks
from messaging.runner.background_tasks import READ_TRIES, BackgroundTasks
from tests.messaging.helpers import begin, hello, lease_of, queue
from tests.messaging.runner.scripted_driver import ScriptedDriver

pytestmark = pytest.mark.usefixtures("media_root")

CHATS = [Chat(phone=f"+99920000000{n}") for n in range(3)]


@pytest.fixture
def lease(connection: WhatsAppConnection) -> Lease:
    return lease_of(connection)


@pytest.fixture
def driver(connection: WhatsAppConnection) -> ScriptedDriver:
    return ScriptedDriver(connection.pk)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`clock(seconds)`: let so much time pass for the background tasks."""
    at = [1000.0]

    def go_on(seconds: float) -> None:
        at[0] += seconds

    monkeypatch.setattr(background_tasks.time, "monotonic", lambda: at[0])
    return go_on


def odd_for(driver: ScriptedDriver, name: str, error: Exception, is_odd: Callable[[Any], bool]) -> None:
    """Have the driver's method fail for what `is_odd` says."""
    real = getattr(driver, name)

    def work(about: Any, *rest: Any) -> Any:
        if is_odd(about):
            driver.asked.append((name, about))
            raise error
        return real(about, *rest)

    setattr(driver, name, work)


def documents(lease: Lease) -> None:
    """Three documents have arrived; the second one is odd."""
    for number, name in enumerate(("one.pdf", "odd.pdf", "three.pdf")):
        ref = MediaRef("application/pdf", 8, name, {"key": name})
        receiver.receive(lease, [hello(f"IN{number}", CHATS[number], kind=MessageKind.DOCUMENT, media=ref)])


def states() -> list[str]:
    return list(MediaFile.objects.order_by("name").values_list("state", flat=True))


@pytest.mark.parametrize("error", [KeyError("size"), ValueError(), Transient("download_failed")])
def test_a_file_that_cannot_be_fetched(error: Exception, lease: Lease, driver: ScriptedDriver) -> None:
    documents(lease)
    odd_for(driver, "download", error, lambda ref: ref.name == "odd.pdf")
    BackgroundTasks(driver, lease).run()
    assert states() == ["wanted", "ready", "ready"]
    assert MediaFile.objects.get(name="odd.pdf").not_before is not None


def test_a_file_that_cannot_be_stored_is_given_up_after_some_tries(
    lease: Lease, driver: ScriptedDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents(lease)
    real = media_files.store_received

    def take_in(row: MediaFile, *rest: Any) -> None:
        if row.name == "odd.pdf":
            raise DataError
        real(row, *rest)

    monkeypatch.setattr(media_files, "store_received", take_in)
    for _ in range(5):
        BackgroundTasks(driver, lease).run()
        MediaFile.objects.update(not_before=None)
    assert states() == ["failed", "ready", "ready"]


def read(lease: Lease) -> None:
    """A person has read three conversations."""
    receiver.receive(lease, [hello(f"IN{n}", chat) for n, chat in enumerate(CHATS)])
    Conversation.objects.update(receipt_wanted=True, last_read_at=now())


def is_odd_chat(chat: Chat) -> bool:
    return chat.phone == CHATS[0].phone


def untold() -> int:
    return Conversation.objects.filter(receipt_wanted=True).count()


@pytest.mark.parametrize("error", [Permanent("invalid_wid"), KeyError("chat")])
def test_a_receipt_that_is_refused_is_given_up(
    error: Exception, lease: Lease, driver: ScriptedDriver
) -> None:
    read(lease)
    odd_for(driver, "mark_read", error, is_odd_chat)
    BackgroundTasks(driver, lease).run()
    assert untold() == 0


def test_a_receipt_that_fails_waits_and_is_given_up_after_some_tries(
    lease: Lease, driver: ScriptedDriver, clock: Callable[[float], None]
) -> None:
    read(lease)
    odd_for(driver, "mark_read", Transient("chat_not_found"), is_odd_chat)
    running = BackgroundTasks(driver, lease)
    for _ in range(READ_TRIES - 1):
        running.run()
        running.run()
        assert untold() == 1, "the others were told at once"
        clock(background_tasks.READ_PAUSE_SECONDS)
    running.run()
    assert untold() == 0
    tried = [about for name, about in driver.asked if name == "mark_read" and is_odd_chat(about)]
    assert len(tried) == READ_TRIES


def test_while_the_phone_is_offline_no_receipt_is_given_up(lease: Lease, driver: ScriptedDriver) -> None:
    read(lease)
    driver.failures["mark_read"] = Transient("phone_offline")
    running = BackgroundTasks(driver, lease)
    for _ in range(2 * READ_TRIES):
        running.run()
    assert untold() == 3


@pytest.mark.parametrize("error", [Permanent("invalid_wid"), KeyError("ack")])
def test_a_send_whose_look_up_is_refused_becomes_unknown_in_the_end(
    error: Exception, lease: Lease, driver: ScriptedDriver, conversation: Conversation, settings: Any
) -> None:
    settings.UNKNOWN_AFTER_SECONDS = 0
    queue(conversation)
    begin(lease)
    driver.failures["lookup"] = error
    BackgroundTasks(driver, lease).run()
    assert Message.objects.get().status == "unknown"


@pytest.mark.parametrize("blob", [None, MediaBlob(b"no picture", "image/png\x00")])
def test_a_picture_that_makes_no_sense_waits_its_time(
    blob: MediaBlob | None,
    lease: Lease,
    driver: ScriptedDriver,
    clock: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receiver.receive(lease, [hello()])
    if blob is None:
        driver.failures["picture"] = KeyError("size")
    else:
        monkeypatch.setattr(driver, "profile_picture", lambda chat: blob)
    running = BackgroundTasks(driver, lease)
    clock(background_tasks.PICTURE_PAUSE_SECONDS)
    running.run()
    picture = ContactPicture.objects.get()
    assert picture.media is None
    assert picture.check_at > now()


@pytest.mark.parametrize("outage", [OperationalError(), SessionLost("browser_died")])
def test_an_outage_is_not_the_fault_of_a_file(
    outage: Exception, lease: Lease, driver: ScriptedDriver
) -> None:
    documents(lease)
    driver.failures["download"] = outage
    with pytest.raises(type(outage)):
        BackgroundTasks(driver, lease).run()
    assert states() == ["wanted"] * 3
    assert set(MediaFile.objects.values_list("attempts", flat=True)) == {0}
