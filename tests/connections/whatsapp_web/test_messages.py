"""Every kind of message in both directions, and what writers and customers do besides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

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
    Skipped,
    Typing,
)
from connections.drivers.whatsapp_web.driver import WhatsAppWebDriver
from tests.connections.driver_contract import PICTURE, in_phase, message_in, take, until
from tests.connections.whatsapp_web.rig import WebRig

pytestmark = [pytest.mark.browser, pytest.mark.slow]


KINDS = {"ptt": "voice"}
"""WhatsApp's words for ours."""


def event_of(driver: WhatsAppWebDriver, kind: type) -> object:
    """The next event of this kind."""
    return until(
        lambda: next((event for event in take(driver) if isinstance(event, kind)), None), kind.__name__
    )


def test_customers_write_all_kinds_of_messages(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    phone = rig.standin.phone
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nTEL;TYPE=CELL:+49 151 1234567\nEND:VCARD"
    told = {
        "location": phone.message_in("", kind="location", lat=52.5, lng=13.4, loc="Berlin"),
        "card": phone.message_in(card, kind="vcard", vcardFormattedName="Ada"),
        "voice": phone.message_in("", kind="ptt", media=b"OggS", mime="audio/ogg; codecs=opus"),
        "sticker": phone.message_in("", kind="sticker", media=b"RIFF....WEBP", mime="image/webp"),
        "poll": phone.message_in(
            "",
            kind="poll_creation",
            pollName="Which day?",
            pollOptions=[{"name": "Monday"}, {"name": "Friday"}],
        ),
        "video": phone.message_in("Look", kind="video", media=b"mp4", mime="video/mp4"),
        "file": phone.message_in(
            "", kind="document", media=b"%PDF", mime="application/pdf", name="order.pdf"
        ),
        "strange": phone.message_in("", kind="event_creation"),
        "secret": phone.message_in("Now readable", ciphertext=True),
    }
    found = {}

    def all_told() -> bool:
        for event in take(talking):
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
    assert talking.download(voice.media).data == b"OggS"
    assert talking.download(sticker.media).data == b"RIFF....WEBP"
    poll, video, file = (found[told[name]][0] for name in ("poll", "video", "file"))
    assert (poll.kind, poll.body, poll.extra["options"]) == (
        MessageKind.POLL,
        "Which day?",
        ["Monday", "Friday"],
    )
    assert (video.kind, video.body, video.media.mime) == (MessageKind.VIDEO, "Look", "video/mp4")
    assert (file.kind, file.media.mime, file.media.name) == (
        MessageKind.DOCUMENT,
        "application/pdf",
        "order.pdf",
    )
    strange = found[told["strange"]][0]
    assert (strange.kind, strange.extra["type"]) == (MessageKind.UNKNOWN, "event_creation")
    assert found[told["secret"]][-1].body == "Now readable"


def test_edits_and_take_backs_are_told(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    wa_id = rig.customer_writes("Helo")
    message_in(talking, wa_id)
    rig.standin.phone.edit(wa_id, "Hello")
    edited = event_of(talking, Edited)
    assert (edited.wa_id, edited.body) == (wa_id, "Hello")
    rig.standin.phone.revoke(wa_id)
    assert event_of(talking, Revoked).wa_id == wa_id


def test_what_was_edited_and_taken_back_while_nobody_listened_is_in_the_history(
    rig: WebRig, ready: WhatsAppWebDriver
) -> None:
    changed, gone = rig.customer_writes("Helo"), rig.customer_writes("Never mind")
    message_in(ready, gone)
    session = ready.save_session()
    ready.close()
    since = datetime.now(UTC) - timedelta(minutes=1)
    rig.standin.phone.edit(changed, "Hello")
    rig.standin.phone.revoke(gone)
    again = rig.driver(session)
    in_phase(again, Phase.READY)
    told = again.history(since).events
    assert [(type(one), one.wa_id) for one in told if isinstance(one, Edited | Revoked)] == [
        (Edited, changed),
        (Revoked, gone),
    ]
    assert next(one for one in told if isinstance(one, Edited)).body == "Hello"


@pytest.mark.parametrize(
    "chat", ["120363041234567890@g.us", "status@broadcast", "120363000000000001@newsletter"]
)
def test_what_is_not_said_to_the_number_itself_is_counted_only(
    rig: WebRig, talking: WhatsAppWebDriver, chat: str
) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    left_out = rig.standin.phone.written_elsewhere(chat, "To everybody")
    heard = rig.customer_writes("To you")
    found: list[object] = []

    def told() -> bool:
        found.extend(take(talking))
        return heard in [getattr(event, "wa_id", "") for event in found]

    until(told, "the message")
    assert [event for event in found if isinstance(event, Skipped)]
    assert left_out not in [getattr(event, "wa_id", "") for event in found]
    assert left_out not in [one.wa_id for one in talking.history(since).events]


def test_a_message_that_the_page_cannot_read_at_first_is_found_later(
    rig: WebRig, talking: WhatsAppWebDriver
) -> None:
    """As after an update of WhatsApp that gives a message another shape: told to be there, and looked for again."""
    page = talking._browser._web
    page.execute_script(
        "Object.defineProperty(WPP.whatsapp.MsgModel.prototype, 'duration',"
        " {configurable: true, get() { throw new Error('changed'); }})"
    )
    with capture_logs() as entries:
        wa_id = rig.customer_writes("Look", PICTURE)
        other = rig.customer_writes("And hello")
        assert message_in(talking, other).body == "And hello"
        missed = until(talking.missed_since, "the note that something was missed")
        found = talking.history(missed)
        assert wa_id not in [one.wa_id for one in found.events]
        assert set(found.failed_chats.values()) == {"unreadable"}
    names = {entry["event"] for entry in entries}
    assert {"page_event_unreadable", "chats_not_read"} <= names
    page.execute_script("delete WPP.whatsapp.MsgModel.prototype.duration")
    again = talking.history(missed, list(found.failed_chats))
    assert wa_id in [one.wa_id for one in again.events]
    assert not again.failed_chats


def test_a_reaction_names_its_message(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    wa_id = rig.customer_writes("Thanks")
    message_in(talking, wa_id)
    rig.standin.phone.react(wa_id, "👍")
    found = until(
        lambda: next((one for one in take(talking) if getattr(one, "kind", "") == MessageKind.REACTION), None)
    )
    assert (found.body, found.quoted_wa_id) == ("👍", wa_id)


def test_typing_is_told(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    message_in(talking, rig.customer_writes("Hello"))
    rig.standin.phone.typing(rig.customer.phone)
    assert event_of(talking, Typing).active


def test_chats_are_named_by_lid_from_now_on(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    """WhatsApp tells who is who, and a chat of which only the LID is known is answered."""
    rig.standin.phone.lid_migrated()
    wa_id = rig.customer_writes("Hello")
    found: list[object] = []

    def told() -> bool:
        found.extend(take(ready))
        return wa_id in [getattr(event, "wa_id", "") for event in found]

    until(told, "the message")
    pair = next(event for event in found if isinstance(event, Identified))
    lid = rig.standin.phone.lid_of(rig.customer.phone).partition("@")[0]
    assert (pair.phone, pair.lid) == (rig.customer.phone, lid)
    chat = Chat(lid=lid)
    wa_id = ready.new_message_id(chat)
    assert ready.send(OutgoingMessage(wa_id, chat, MessageKind.TEXT, "Good day")).ack >= AckLevel.SENT
    assert rig.copies(wa_id) == 1
    assert ready.lookup(chat, wa_id) is not None


def test_files_arrive_with_their_type(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    data = b"\x00\x01" * 500
    for kind, mime, name in (
        (MessageKind.DOCUMENT, "application/pdf", "offer.pdf"),
        (MessageKind.AUDIO, "audio/mpeg", "song.mp3"),
        (MessageKind.VIDEO, "video/mp4", "cup.mp4"),
        (MessageKind.VOICE, "audio/ogg; codecs=opus", "voice.ogg"),
    ):
        wa_id = talking.new_message_id(rig.customer)
        talking.send(OutgoingMessage(wa_id, rig.customer, kind, "", MediaBlob(data, mime, name)))
        sent = rig.standin.phone.sent_message(wa_id)
        assert (KINDS.get(sent.kind, sent.kind), sent.mime, sent.media) == (str(kind), mime, data)


def test_a_file_of_many_megabytes_goes_both_ways(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    data = bytes(range(256)) * (9 * 4096)
    wa_id = talking.new_message_id(rig.customer)
    talking.send(
        OutgoingMessage(
            wa_id, rig.customer, MessageKind.DOCUMENT, "", MediaBlob(data, "application/pdf", "a.pdf")
        )
    )
    assert rig.standin.phone.sent_message(wa_id).media == data
    came = rig.standin.phone.message_in("", kind="document", media=data, mime="application/pdf", name="b.pdf")
    media = message_in(talking, came).media
    assert media is not None
    assert talking.download(media).data == data


def test_an_answer_quotes(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    asked = rig.customer_writes("When?")
    message_in(talking, asked)
    wa_id = talking.new_message_id(rig.customer)
    talking.send(OutgoingMessage(wa_id, rig.customer, MessageKind.TEXT, "Today", quoted_wa_id=asked))
    assert rig.standin.phone.sent_message(wa_id).quoted == asked


def test_a_refused_message_is_refused_for_good(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    rig.standin.phone.fail_next_send()
    wa_id = talking.new_message_id(rig.customer)
    with pytest.raises(Permanent) as refused:
        talking.send(OutgoingMessage(wa_id, rig.customer, MessageKind.TEXT, "Hello"))
    assert refused.value.code == "refused"


def test_a_message_that_stays_at_the_clock_is_answered_as_pending(
    rig: WebRig, talking: WhatsAppWebDriver
) -> None:
    rig.standin.phone.hang_next_send("wire")
    wa_id = talking.new_message_id(rig.customer)
    sent = talking.send(OutgoingMessage(wa_id, rig.customer, MessageKind.TEXT, "Hello"))
    assert sent.ack == AckLevel.PENDING
    assert rig.copies(wa_id) == 0


def test_an_account_that_is_named_by_its_lid_keeps_its_number(
    rig: WebRig, talking: WhatsAppWebDriver
) -> None:
    page = talking._browser._web
    page.execute_script("WPP.whatsapp.UserPrefs.getMaybeMeUser = WPP.whatsapp.UserPrefs.getMaybeMeLidUser")
    assert page.execute_script("return WPP.conn.getMyUserWid().server") == "lid"
    assert talking._call("status")["me"] == rig.own_number.lstrip("+")
    page.execute_script("WPP.whatsapp.UserPrefs.getMaybeMeUser = WPP.whatsapp.UserPrefs.getMaybeMePnUser")


def test_nothing_leaves_the_machine_and_nothing_tells_that_a_program_drives_it(
    rig: WebRig, talking: WhatsAppWebDriver
) -> None:
    assert not rig.standin.webdriver_seen
    assert not rig.standin.refused_agents
    assert not rig.standin.foreign_hosts


def test_nothing_secret_is_logged(
    rig: WebRig, talking: WhatsAppWebDriver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    message_in(talking, rig.customer_writes("canary-text-in"))
    wa_id = talking.new_message_id(rig.customer)
    talking.send(OutgoingMessage(wa_id, rig.customer, MessageKind.IMAGE, "canary-text-out", PICTURE))
    assert "canary-text" not in caplog.text
