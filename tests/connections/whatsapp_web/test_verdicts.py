"""A verdict for good is WhatsApp's own word. A question that failed is asked again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connections.drivers.base import Chat, MediaRef, MessageKind, OutgoingMessage, Permanent, Transient
from connections.drivers.whatsapp_web import state_monitor
from connections.drivers.whatsapp_web.driver import WhatsAppWebDriver
from tests.connections.driver_contract import PICTURE, message_in
from tests.connections.whatsapp_web.rig import WebRig

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _as_before(rig: WebRig) -> Iterator[None]:
    """The phone answers again after each test."""
    yield
    phone = rig.standin.phone
    phone.lookups_fail, phone.pictures_fail, phone.searches_fail = "", False, False


def stranger(rig: WebRig, last: int) -> Chat:
    """Somebody on WhatsApp to whom nobody has written yet."""
    number = f"+49151666{last:05d}"
    rig.standin.phone.number_exists.add(number)
    return Chat(phone=number)


def text(driver: WhatsAppWebDriver, chat: Chat) -> OutgoingMessage:
    return OutgoingMessage(driver.new_message_id(chat), chat, MessageKind.TEXT, "Hello")


def asked_anew(driver: WhatsAppWebDriver) -> None:
    """The page repeats a failed question after two seconds only; the test does not wait for that."""
    assert driver._browser is not None
    assert driver._browser._web is not None
    driver._browser._web.execute_script("const now = Date.now; Date.now = () => now() + 3000")


def test_a_number_that_could_not_be_looked_up_is_tried_again_and_then_gets_its_message(
    rig: WebRig, talking: WhatsAppWebDriver
) -> None:
    chat = stranger(rig, 1)
    rig.standin.phone.lookups_fail = "refused"
    message = text(talking, chat)
    for _ in range(2):
        with pytest.raises(Transient) as failed:
            talking.send(message)
        assert failed.value.code == "lookup_failed"
    with pytest.raises(Transient):
        talking.number_exists(chat.phone or "")
    assert rig.copies(message.wa_id) == 0
    rig.standin.phone.lookups_fail = ""
    asked_anew(talking)
    talking.send(message)
    assert rig.copies(message.wa_id) == 1
    assert talking.number_exists(chat.phone or "")


def test_who_really_is_not_on_whatsapp_is_refused_for_good(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    nobody = Chat(phone="+4915177700001")
    with pytest.raises(Permanent) as refused:
        talking.send(text(talking, nobody))
    assert refused.value.code == "not_on_whatsapp"
    assert not talking.number_exists(nobody.phone or "")


def test_somebody_with_a_chat_needs_no_look_up(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    chat = message_in(talking, rig.customer_writes("Hello")).chat
    rig.standin.phone.lookups_fail = "refused"
    message = text(talking, chat)
    talking.send(message)
    assert rig.copies(message.wa_id) == 1


@pytest.mark.parametrize("fault", ["refused", "hang", "nothing", "status"])
def test_an_answer_that_is_none_is_not_taken_for_a_no(
    rig: WebRig, talking: WhatsAppWebDriver, fault: str
) -> None:
    chat = stranger(rig, 10 + len(fault))
    rig.standin.phone.lookups_fail = fault
    with pytest.raises(Transient) as failed:
        talking.number_exists(chat.phone or "")
    assert failed.value.code == "lookup_failed"


def test_a_message_that_could_not_be_looked_for_is_neither_missing_nor_sent_again(
    rig: WebRig, talking: WhatsAppWebDriver
) -> None:
    chat = message_in(talking, rig.customer_writes("Hello")).chat
    message = text(talking, chat)
    talking.send(message)
    unknown = text(talking, chat)
    assert talking.lookup(chat, unknown.wa_id) is None
    rig.standin.phone.searches_fail = True
    with pytest.raises(Transient) as failed:
        talking.lookup(chat, unknown.wa_id)
    assert failed.value.code == "lookup_failed"
    found = talking.lookup(chat, message.wa_id)
    assert found is not None, "what the page has in its memory needs no search"
    talking._unused_ids.clear()
    with pytest.raises(Transient):
        talking.send(unknown)
    rig.standin.phone.searches_fail = False
    assert rig.copies(unknown.wa_id) == 0
    assert talking.lookup(chat, unknown.wa_id) is None


def test_a_new_message_goes_out_although_the_page_cannot_search(
    rig: WebRig, talking: WhatsAppWebDriver
) -> None:
    """Its id has just been made, so there is nothing to look for; an answer goes without what it quotes."""
    asked = rig.customer_writes("When?")
    chat = message_in(talking, asked).chat
    rig.standin.phone.searches_fail = True
    message = OutgoingMessage(
        talking.new_message_id(chat), chat, MessageKind.TEXT, "Today", quoted_wa_id="3AOLD"
    )
    talking.send(message)
    assert rig.copies(message.wa_id) == 1


def test_a_message_of_somebody_without_a_chat_is_missing_only_if_whatsapp_says_who_they_are(
    rig: WebRig, talking: WhatsAppWebDriver
) -> None:
    chat = stranger(rig, 3)
    rig.standin.phone.lookups_fail = "refused"
    with pytest.raises(Transient):
        talking.lookup(chat, "3EB0AA")
    rig.standin.phone.lookups_fail = ""
    asked_anew(talking)
    assert talking.lookup(chat, "3EB0AA") is None


def test_a_picture_that_could_not_be_asked_for_is_not_none(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    chat = stranger(rig, 4)
    rig.standin.phone.pictures_fail = True
    with pytest.raises(Transient):
        talking.profile_picture(chat)
    rig.standin.phone.pictures_fail = False
    rig.standin.phone.person(chat.phone or "")
    assert talking.profile_picture(chat) is not None
    assert talking.profile_picture(Chat(phone="+4915177700002")) is None


def test_a_file_is_gone_only_if_its_message_has_none(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    phone = rig.standin.phone
    media = message_in(
        talking, phone.message_in("", kind="document", media=b"%PDF", mime="application/pdf")
    ).media
    assert media is not None
    kept = phone.media.copy()
    phone.media.clear()
    with pytest.raises(Transient):
        talking.download(media)
    phone.media.update(kept)
    assert talking.download(media).data == b"%PDF"

    plain = rig.customer_writes("No file")
    message_in(talking, plain)
    key = media.token["key"].rsplit("_", 1)[0]
    with pytest.raises(Permanent) as gone:
        talking.download(MediaRef("application/pdf", token={"key": f"{key}_{plain}"}))
    assert gone.value.code == "media_gone"
    with pytest.raises(Transient):
        talking.download(MediaRef("application/pdf", token={"key": f"{key}_3ANOTYETTHERE"}))


def test_a_file_that_could_not_be_uploaded_is_not_refused(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    chat = message_in(talking, rig.customer_writes("Hello")).chat
    rig.standin.phone.fail_next_send("ERROR_UPLOAD")
    message = OutgoingMessage(talking.new_message_id(chat), chat, MessageKind.IMAGE, "", PICTURE)
    with pytest.raises(Transient) as failed:
        talking.send(message)
    assert (failed.value.code, failed.value.used_id) == ("upload_failed", True)
    again = OutgoingMessage(talking.new_message_id(chat), chat, MessageKind.IMAGE, "", PICTURE)
    talking.send(again)
    assert (rig.copies(message.wa_id), rig.copies(again.wa_id)) == (0, 1)


def test_a_message_that_whatsapp_refuses_is_refused_for_good(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    chat = message_in(talking, rig.customer_writes("Hello")).chat
    rig.standin.phone.fail_next_send()
    with pytest.raises(Permanent) as refused:
        talking.send(text(talking, chat))
    assert refused.value.code == "refused"


def test_a_text_that_no_one_takes_is_refused_without_asking(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    message = OutgoingMessage(
        talking.new_message_id(rig.customer), rig.customer, MessageKind.TEXT, "x" * 65_537
    )
    with pytest.raises(Permanent) as refused:
        talking.send(message)
    assert refused.value.code == "too_long"


def test_an_account_that_cannot_be_asked_whether_it_is_linked_is_not_unlinked(
    rig: WebRig, talking: WhatsAppWebDriver
) -> None:
    page = talking._call("status", timeout=state_monitor.ANSWER_SECONDS)
    judged = talking._monitor._evaluate({**page, "authenticated": None})
    assert judged.phase == "loading"
    assert judged.reason == ""
    talking._monitor._state = talking._monitor._evaluate(page)
