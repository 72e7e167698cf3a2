"""Every kind of message in both directions, and what writers and customers do besides."""

from __future__ import annotations

import pytest

from connections.drivers.base import (
    AckLevel,
    Chat,
    Edited,
    Identified,
    MediaBlob,
    MessageKind,
    OutgoingMessage,
    Permanent,
    Phase,
    Revoked,
    Typing,
)
from connections.drivers.whatsapp_web.driver import WhatsAppWebDriver
from tests.connections.driver_contract import PICTURE, in_phase, message_in, take, until
from tests.connections.whatsapp_web.rig import WebRig

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def ready(rig: WebRig) -> WhatsAppWebDriver:
    driver = rig.driver()
    rig.scan(in_phase(driver, Phase.QR))
    in_phase(driver, Phase.READY)
    return driver


KINDS = {"ptt": "voice"}
"""WhatsApp's words for ours."""


def event_of(driver: WhatsAppWebDriver, kind: type) -> object:
    """The next event of this kind."""
    return until(
        lambda: next((event for event in take(driver) if isinstance(event, kind)), None), kind.__name__
    )


def test_customers_write_all_kinds_of_messages(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    phone = rig.standin.phone
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nTEL;TYPE=CELL:+49 151 1234567\nEND:VCARD"
    told = {
        "location": phone.message_in("", kind="location", lat=52.5, lng=13.4, loc="Berlin"),
        "card": phone.message_in(card, kind="vcard", vcardFormattedName="Ada"),
        "voice": phone.message_in("", kind="ptt", media=b"OggS", mime="audio/ogg; codecs=opus"),
        "sticker": phone.message_in("", kind="sticker", media=b"RIFF....WEBP", mime="image/webp"),
        "strange": phone.message_in("", kind="event_creation"),
        "secret": phone.message_in("Now readable", ciphertext=True),
    }
    found = {}

    def all_told() -> bool:
        for event in take(ready):
            if wa_id := getattr(event, "wa_id", ""):
                found.setdefault(wa_id, []).append(event)
        return set(told.values()) <= set(found) and found[told["secret"]][-1].body is not None

    until(all_told, "the messages")
    location, voice = found[told["location"]][0], found[told["voice"]][0]
    assert (location.kind, location.body) == (MessageKind.LOCATION, "Berlin")
    assert location.extra["latitude"] == 52.5
    card_event = found[told["card"]][0]
    assert (card_event.kind, card_event.body) == (MessageKind.CONTACT_CARD, "Ada")
    assert card_event.extra["phones"] == ["+49 151 1234567"]
    assert (voice.kind, voice.media.mime) == (MessageKind.VOICE, "audio/ogg")
    sticker = found[told["sticker"]][0]
    assert (sticker.kind, sticker.media.mime) == (MessageKind.STICKER, "image/webp")
    assert ready.download(voice.media).data == b"OggS"
    assert ready.download(sticker.media).data == b"RIFF....WEBP"
    strange = found[told["strange"]][0]
    assert (strange.kind, strange.extra["type"]) == (MessageKind.UNKNOWN, "event_creation")
    assert found[told["secret"]][-1].body == "Now readable"


def test_edits_and_take_backs_are_told(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    wa_id = rig.customer_writes("Helo")
    message_in(ready, wa_id)
    rig.standin.phone.edit(wa_id, "Hello")
    edited = event_of(ready, Edited)
    assert (edited.wa_id, edited.body) == (wa_id, "Hello")
    rig.standin.phone.revoke(wa_id)
    assert event_of(ready, Revoked).wa_id == wa_id


def test_a_reaction_names_its_message(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    wa_id = rig.customer_writes("Thanks")
    message_in(ready, wa_id)
    rig.standin.phone.react(wa_id, "👍")
    found = until(
        lambda: next((one for one in take(ready) if getattr(one, "kind", "") == MessageKind.REACTION), None)
    )
    assert (found.body, found.quoted_wa_id) == ("👍", wa_id)


def test_typing_is_told(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    message_in(ready, rig.customer_writes("Hello"))
    rig.standin.phone.typing(rig.customer.phone)
    assert event_of(ready, Typing).active


def test_phone_number_and_lid_are_told_to_be_one_person(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    rig.standin.phone.lid_migrated()
    rig.customer_writes("Hello")
    found = event_of(ready, Identified)
    assert found.phone == rig.customer.phone
    assert found.lid == rig.standin.phone.lid_of(rig.customer.phone).partition("@")[0]


def test_a_chat_known_by_its_lid_is_answered(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    rig.standin.phone.lid_migrated()
    message = message_in(ready, rig.customer_writes("Hello"))
    chat = Chat(lid=message.chat.lid)
    wa_id = ready.new_message_id(chat)
    assert ready.send(OutgoingMessage(wa_id, chat, MessageKind.TEXT, "Good day")).ack >= AckLevel.SENT
    assert rig.copies(wa_id) == 1
    assert ready.lookup(chat, wa_id) is not None


def test_files_arrive_with_their_type(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    data = b"\x00\x01" * 500
    for kind, mime, name in (
        (MessageKind.DOCUMENT, "application/pdf", "offer.pdf"),
        (MessageKind.AUDIO, "audio/mpeg", "song.mp3"),
        (MessageKind.VIDEO, "video/mp4", "cup.mp4"),
        (MessageKind.VOICE, "audio/ogg; codecs=opus", "voice.ogg"),
    ):
        wa_id = ready.new_message_id(rig.customer)
        ready.send(OutgoingMessage(wa_id, rig.customer, kind, "", MediaBlob(data, mime, name)))
        sent = rig.standin.phone.sent_message(wa_id)
        assert (KINDS.get(sent.kind, sent.kind), sent.mime, sent.media) == (str(kind), mime, data)


def test_a_file_of_many_megabytes_goes_both_ways(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    data = bytes(range(256)) * (9 * 4096)
    wa_id = ready.new_message_id(rig.customer)
    ready.send(
        OutgoingMessage(
            wa_id, rig.customer, MessageKind.DOCUMENT, "", MediaBlob(data, "application/pdf", "a.pdf")
        )
    )
    assert rig.standin.phone.sent_message(wa_id).media == data
    came = rig.standin.phone.message_in("", kind="document", media=data, mime="application/pdf", name="b.pdf")
    media = message_in(ready, came).media
    assert media is not None
    assert ready.download(media).data == data


def test_an_answer_quotes(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    asked = rig.customer_writes("When?")
    message_in(ready, asked)
    wa_id = ready.new_message_id(rig.customer)
    ready.send(OutgoingMessage(wa_id, rig.customer, MessageKind.TEXT, "Today", quoted_wa_id=asked))
    assert rig.standin.phone.sent_message(wa_id).quoted == asked


def test_a_refused_message_is_refused_for_good(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    rig.standin.phone.fail_next_send()
    wa_id = ready.new_message_id(rig.customer)
    with pytest.raises(Permanent) as refused:
        ready.send(OutgoingMessage(wa_id, rig.customer, MessageKind.TEXT, "Hello"))
    assert refused.value.code == "refused"


def test_a_message_that_stays_at_the_clock_is_answered_as_pending(
    rig: WebRig, ready: WhatsAppWebDriver
) -> None:
    rig.standin.phone.hang_next_send("wire")
    wa_id = ready.new_message_id(rig.customer)
    sent = ready.send(OutgoingMessage(wa_id, rig.customer, MessageKind.TEXT, "Hello"))
    assert sent.ack == AckLevel.PENDING
    assert rig.copies(wa_id) == 0


def test_nothing_secret_is_logged(
    rig: WebRig, ready: WhatsAppWebDriver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    message_in(ready, rig.customer_writes("canary-text-in"))
    wa_id = ready.new_message_id(rig.customer)
    ready.send(OutgoingMessage(wa_id, rig.customer, MessageKind.IMAGE, "canary-text-out", PICTURE))
    assert "canary-text" not in caplog.text
