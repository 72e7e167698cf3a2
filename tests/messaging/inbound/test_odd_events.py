"""One odd event holds back no other: what senders choose is cleaned, and what cannot be stored is set aside."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DataError, InterfaceError, OperationalError
from django.urls import reverse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.services import purge
from connections import gauges, leases, tasks
from connections.drivers import event_serialization, sanitizing
from connections.drivers.base import (
    Ack,
    AckLevel,
    Chat,
    Edited,
    Event,
    Identified,
    InboundMessage,
    MediaRef,
    MessageKind,
    Revoked,
    Skipped,
    Typing,
    Unreadable,
)
from connections.drivers.event_serialization import unstorable_reason
from connections.drivers.whatsapp_web import translate
from connections.leases import Lease, LeaseLost
from connections.models import UnstoredEvent, WhatsAppConnection
from connections.services import unstored_events
from contacts.models import Contact
from contacts.services import contacts
from core.clock import now
from messaging.inbound import changes, receiver
from messaging.inbound.changes import Change
from messaging.models import Conversation, MediaFile, Message
from tests.factories import UserFactory
from tests.messaging.helpers import CARLA, ago, hello, lease_of
from tests.messaging.runner.scripted_driver import PDF, tell

pytestmark = pytest.mark.services

DORA = Chat(phone="+9992000000002")
EARLIER, LATER = "before", "after"
ELSEWHERE = {"text-half-emoji-then-gap", "number-check-error"}
"""About gaps and about sending: tested where those are."""
CASES = {
    case["id"]: case["event"]
    for case in json.loads((Path(__file__).parents[2] / "cases" / "inbound.json").read_text())
    if case["id"] not in ELSEWHERE
}


@pytest.fixture
def lease(connection: WhatsAppConnection) -> Lease:
    return lease_of(connection)


def neighbours(event: Event | list[Event]) -> list[Event]:
    """The event between two messages of another customer."""
    odd = event if isinstance(event, list) else [event]
    return [hello(EARLIER, DORA, "Is it open today?"), *odd, hello(LATER, DORA, "I am on my way")]


def stored() -> set[str]:
    return set(Message.objects.values_list("whatsapp_message_id", flat=True))


# -- the cases ---------------------------------------------------------------------------------------------------------


def told(case: dict[str, Any]) -> list[Event]:
    """A case as a driver tells of it."""
    if "edited" in case:
        text = case["edited"]
        text = " ".join(f"word{n}" for n in range(130_000)) if "1.2 MB" in text else text
        return [hello("ODD"), Edited("ODD", CARLA, text, now())]
    media = MediaRef(**case["media"], token={"key": "k"}) if "media" in case else None
    at = datetime.fromisoformat(case["sent_at"]) if "sent_at" in case else now()
    return [
        InboundMessage(
            wa_id=case.get("wa_id", "ODD"),
            chat=CARLA,
            kind=MessageKind(case["kind"]),
            at=at,
            body=case.get("body", ""),
            quoted_wa_id=case.get("quoted_wa_id", ""),
            media=media,
        )
    ]


@pytest.mark.parametrize("name", CASES)
def test_an_odd_event_leaves_its_neighbours_alone(name: str, lease: Lease) -> None:
    tell(lease, neighbours(told(CASES[name])))

    refused = name == "waid-long"
    assert stored() == {EARLIER, LATER} | (set() if refused else {"ODD"})
    assert UnstoredEvent.objects.count() == refused
    assert Conversation.objects.get(contact__phone_number=DORA.phone).unread_count == 2


def test_what_is_stored_of_odd_events(lease: Lease) -> None:
    for number, (name, case) in enumerate(CASES.items()):
        events = told(case if "wa_id" in case or "edited" in case else {**case, "wa_id": name})
        if "edited" in case:
            events = [hello(name), Edited(name, CARLA, events[-1].body, now() + timedelta(seconds=number))]
        tell(lease, events)

    def row(name: str) -> Message:
        return Message.objects.get(whatsapp_message_id=name)

    assert (row("size-uint64").media.size, row("size-uint64").media.name) == (len(PDF), "big.pdf")
    assert row("mime-nul").media.state == row("name-nul").media.state == "ready"
    assert row("name-nul").media.name == "a.pdf"
    assert (row("quoted-long").content, row("quoted-long").reply_to_wa_id) == ("hi", "")
    assert row("edit-half-emoji").content == "x ? y"
    assert len(row("edit-huge").content) == sanitizing.BODY_LENGTH
    assert row("edit-huge").content.startswith("word0 word1")
    assert abs(row("year-one").created_at - now()) < timedelta(minutes=1)


def test_the_page_tells_the_same_of_a_size_that_no_file_has() -> None:
    data = {
        "id": "ODD",
        "fromMe": False,
        "chat": {"phone": CARLA.phone[1:]},
        "type": "document",
        "media": {"key": "k", "mime": "application/pdf", "size": 10**19, "name": "big.pdf"},
    }
    (message,) = translate.translate_event({"type": "message", "data": data}, set())
    assert (message.media.size, message.media.name) == (None, "big.pdf")


@pytest.mark.parametrize(
    "odd",
    [
        {"t": 1e300},
        {"t": "yesterday"},
        {"more": {"lat": "north", "lng": 1e400}},
        {"ack": 2**70, "fromMe": True},
        {"media": {"key": "k", "mime": "a/b", "size": "huge", "name": "x"}},
    ],
)
def test_an_odd_field_costs_the_field_and_not_the_message(odd: dict[str, Any], lease: Lease) -> None:
    data = {"id": "ODD", "fromMe": False, "chat": {"phone": CARLA.phone[1:]}, "type": "chat", "ack": 1, **odd}
    tell(lease, neighbours(translate.translate_event({"type": "message", "data": data}, set())))
    assert stored() == {EARLIER, "ODD", LATER}


@pytest.mark.parametrize(
    "data", [None, "text", {}, {"id": "X", "chat": 7}, {"chat": {"phone": "1"}, "more": 3}]
)
def test_what_the_page_tells_and_nobody_can_translate_is_set_aside(data: Any, lease: Lease) -> None:
    raw = {"n": 1, "uid": "u", "type": "message", "data": data}
    tell(lease, neighbours(translate.translate_event(raw, set())))
    translate.remember_identity(data, set())
    assert stored() == {EARLIER, LATER}
    assert UnstoredEvent.objects.get().error == "unreadable"


# -- any event ---------------------------------------------------------------------------------------------------------

ANY_CHARACTER = st.characters(exclude_categories=())
WORDS = st.one_of(
    st.text(ANY_CHARACTER, max_size=8),
    st.builds(
        lambda text, times: text * times, st.text(ANY_CHARACTER, min_size=1, max_size=3), st.integers(80, 300)
    ),
    st.just("long " * 90),
)
BODIES = st.one_of(st.none(), WORDS, WORDS, st.just("long " * 30_000))
IDS = st.one_of(st.uuids().map(str), WORDS)
NUMBERS = st.one_of(st.integers(), st.integers(-1, 5), st.just(2**64), st.floats(), st.none())
MOMENTS = st.one_of(
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())),
    st.sampled_from(
        [datetime.min, datetime.max, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]
    ),
)
NAMES = st.one_of(st.none(), WORDS)
CHATS = st.one_of(
    st.integers(100_000, 999_999).map(lambda n: Chat(phone=f"+999200{n}")),
    st.integers(100_000, 999_999).map(lambda n: Chat(lid=str(n))),
    st.tuples(NAMES, NAMES).filter(any).map(lambda names: Chat(*names)),
)
JSON = st.dictionaries(
    WORDS,
    st.recursive(st.one_of(NUMBERS, WORDS), lambda inner: st.lists(inner, max_size=2), max_leaves=3),
    max_size=2,
)
MEDIA = st.one_of(st.none(), st.builds(MediaRef, mime=WORDS, size=NUMBERS, name=WORDS, token=JSON))
MESSAGES = st.builds(
    InboundMessage,
    wa_id=IDS,
    chat=CHATS,
    kind=st.sampled_from(MessageKind),
    at=MOMENTS,
    body=BODIES,
    from_me=st.booleans(),
    push_name=WORDS,
    quoted_wa_id=WORDS,
    media=MEDIA,
    backfilled=st.booleans(),
    ack=NUMBERS,
    extra=JSON,
)
EVENTS = st.one_of(
    MESSAGES,
    st.builds(Ack, wa_id=IDS, level=NUMBERS, at=MOMENTS, error=WORDS),
    st.builds(Identified, phone=WORDS, lid=WORDS),
    st.builds(Edited, wa_id=IDS, chat=CHATS, body=BODIES.map(str), at=MOMENTS),
    st.builds(Revoked, wa_id=IDS, chat=CHATS, at=MOMENTS),
    st.builds(Typing, chat=CHATS, active=st.booleans()),
    st.builds(Skipped, kind=WORDS),
    st.builds(Unreadable, data=JSON, error=WORDS),
)
BATCH, BATCHES = 40, 50


def takes_a_reaction_back(event: InboundMessage) -> bool:
    """It changes the message that it is on, and is no message."""
    return event.kind == MessageKind.REACTION and not Change.of(event).body


@settings(
    max_examples=BATCHES,
    phases=[Phase.generate],  # to shrink batches takes minutes
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
@given(st.lists(EVENTS, min_size=BATCH, max_size=BATCH))
def test_any_event_is_a_row_or_is_counted(lease: Lease, events: list[Event]) -> None:
    assert leases.renew(lease)
    UnstoredEvent.objects.all().delete()
    tell(lease, neighbours(events))

    good = {
        event.wa_id
        for event in events
        if isinstance(event, InboundMessage)
        and not unstorable_reason(event)
        and not takes_a_reaction_back(event)
    }
    bad = {
        (event_serialization.kind_of(event), event_serialization.fingerprint(event))
        for event in events
        if unstorable_reason(event)
    }
    assert good | {EARLIER, LATER} <= stored()
    assert set(UnstoredEvent.objects.values_list("kind", "key")) == bad


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(EVENTS)
def test_any_event_can_be_kept_as_text_and_read_again(event: Event) -> None:
    text = event_serialization.dump(event)
    again = event_serialization.load(text)
    assert text.isascii()
    assert event_serialization.fingerprint(again) == event_serialization.fingerprint(event)
    assert type(again) is type(event)


@given(MOMENTS)
def test_times_lie_between_whatsapps_first_year_and_now(at: datetime) -> None:
    bounded = sanitizing.event_time(at)
    assert sanitizing.EARLIEST <= bounded <= datetime.now(UTC) + sanitizing.AHEAD
    assert bounded.tzinfo is UTC


def test_a_plausible_time_stays_as_it_is() -> None:
    for at in (ago(days=3000), ago(seconds=1), now() + timedelta(minutes=4)):
        assert sanitizing.event_time(at) == at


def test_halves_of_a_character_that_stand_together_are_joined() -> None:
    assert hello(body="\ud83d\ude00 \ud83d").body == "\U0001f600 ?"


def test_a_name_that_cannot_be_right_is_left_out_beside_one_that_can() -> None:
    assert Chat("+9992000000001", "\x00") == Chat("+9992000000001")
    assert Chat("+" + "9" * 300, "123") == Chat(lid="123")


# -- what fails although it is well-formed -----------------------------------------------------------------------------


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Storing a message whose id begins with ODD fails; the sizes of the batches that were tried."""
    return failing(monkeypatch, lambda: ValueError("Very private words"))


def failing(monkeypatch: pytest.MonkeyPatch, error: Any, prefix: str = "ODD") -> list[int]:
    sizes: list[int] = []
    real = receiver._store_batch

    def store(connection: WhatsAppConnection, events: list[Event]) -> int:
        sizes.append(len(events))
        count = real(connection, events)
        if any(str(getattr(event, "wa_id", "")).startswith(prefix) for event in events):
            raise error()
        return count

    monkeypatch.setattr(receiver, "_store_batch", store)
    return sizes


def test_one_of_five_hundred_is_found_in_a_few_transactions(lease: Lease, fails: list[int]) -> None:
    batch = [hello(f"IN{n}", Chat(phone=f"+99930000{n % 50:05}")) for n in range(499)]
    tell(lease, [*batch[:311], hello("ODD"), *batch[311:]])

    assert Message.objects.count() == 499
    row = UnstoredEvent.objects.get()
    assert (row.kind, row.error, row.attempts) == ("message", "ValueError", 1)
    assert len(fails) <= 21


def test_a_batch_in_which_all_fail_costs_two_transactions_an_event(lease: Lease, fails: list[int]) -> None:
    tell(lease, [hello(f"ODD{n}") for n in range(16)])
    assert UnstoredEvent.objects.count() == 16
    assert len(fails) <= 32


def test_an_event_that_fails_once_only_is_stored(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [ValueError()]
    real = receiver._store_batch

    def once(connection: WhatsAppConnection, events: list[Event]) -> int:
        if errors:
            raise errors.pop()
        return real(connection, events)

    monkeypatch.setattr(receiver, "_store_batch", once)
    tell(lease, [hello()])
    assert stored() == {"IN1"}
    assert not UnstoredEvent.objects.exists()


@pytest.mark.parametrize("outage", [OperationalError, InterfaceError, LeaseLost, ConnectionError])
def test_an_outage_is_no_verdict_about_an_event(
    lease: Lease, monkeypatch: pytest.MonkeyPatch, outage: type[Exception]
) -> None:
    failing(monkeypatch, outage)
    with pytest.raises(outage):
        tell(lease, neighbours(hello("ODD")))
    assert not UnstoredEvent.objects.exists()
    assert stored() == set()


def test_a_lost_lease_sets_nothing_aside(lease: Lease) -> None:
    WhatsAppConnection.objects.update(lease_epoch=lease.epoch + 1)
    with pytest.raises(LeaseLost):
        receiver.receive(lease, [hello("")])
    assert not UnstoredEvent.objects.exists()


def test_what_exceeds_a_limit_of_the_index_is_a_verdict() -> None:
    class TooLong(Exception):
        sqlstate = "54000"

    error, outage = OperationalError(), OperationalError()
    error.__cause__ = TooLong()
    assert unstored_events.is_event_error(error)
    assert unstored_events.is_event_error(DataError())
    assert not unstored_events.is_event_error(outage)


def test_told_again_after_a_crash_it_is_kept_once(lease: Lease, fails: list[int]) -> None:
    for _ in range(3):
        odd = hello("ODD", at=datetime(1, 1, 1, tzinfo=UTC))  # another time with each telling
        tell(lease, neighbours([odd, hello(""), Ack("X" * 300, AckLevel.READ, now())]))
    assert sorted(UnstoredEvent.objects.values_list("kind", flat=True)) == ["ack", "message", "message"]
    assert Message.objects.count() == 2


def test_an_edit_with_an_impossible_time_is_published_once(lease: Lease, subscribed: list[Any]) -> None:
    tell(lease, [hello("ODD"), Edited("ODD", CARLA, "Hello again", datetime.max)])
    row = Message.objects.get()
    assert row.edited_at
    assert [event.message_id for event in subscribed] == [row.pk]
    tell(lease, [Edited("ODD", CARLA, "Hello again", datetime.max)])
    assert len(subscribed) == 1


@pytest.fixture
def subscribed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Changes of messages that were published."""
    published: list[Any] = []
    monkeypatch.setattr(changes, "publish", lambda *events: published.extend(events))
    return published


def test_two_messages_without_a_usable_id_are_two(lease: Lease) -> None:
    tell(lease, [hello("", body="One"), hello("", body="Two")])
    assert UnstoredEvent.objects.count() == 2


def unreadable(data: Any, kind: str = "message", **more: Any) -> Unreadable:
    """What the page told and no driver can translate."""
    return Unreadable({"type": kind, "data": data, **more}, "ValueError", CARLA)


BROKEN = {"id": "ODD", "chat": {"phone": "9992000000001", "lid": ""}, "type": "chat", "t": 1e300, "ack": 0}


@pytest.mark.parametrize(
    "data", [BROKEN, {**BROKEN, "id": ""}, {**BROKEN, "id": None}, "words", ["ODD"], None]
)
def test_what_cannot_be_read_is_kept_once_however_it_is_told(lease: Lease, data: Any) -> None:
    tell(lease, [unreadable(data, n=1, uid="a")])
    for late in (1.5, 2.5):
        again = {**data, "ack": int(late), "t": late} if isinstance(data, dict) else data
        tell(lease, [unreadable(again, late=late)])
    row = UnstoredEvent.objects.get()
    assert json.loads(row.event)["data"]["late"] == 2.5


def test_things_that_cannot_be_read_are_told_apart(lease: Lease) -> None:
    apart = [
        unreadable(BROKEN),
        unreadable(BROKEN, "edited"),
        unreadable({**BROKEN, "id": "ODD2"}),
        unreadable({**BROKEN, "chat": {"phone": "9992000000002", "lid": ""}}),
        unreadable({**BROKEN, "id": "", "body": "One"}),
        unreadable({**BROKEN, "id": "", "body": "Two"}),
        unreadable("One"),
        unreadable("Two"),
        Unreadable({"odd": 1}, "KeyError"),
        Unreadable({"odd": 2}, "KeyError"),
    ]
    tell(lease, [*apart, *apart])
    assert UnstoredEvent.objects.count() == len(apart)


def test_of_too_many_at_a_number_the_oldest_go(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unstored_events, "MAX_EVENTS", 3)
    for number in range(5):
        tell(lease, [unreadable({"id": f"ODD{number}"}), hello(f"IN{number}")])
    kept = {
        json.loads(text)["data"]["data"]["id"]
        for text in UnstoredEvent.objects.values_list("event", flat=True)
    }
    assert kept == {"ODD2", "ODD3", "ODD4"}
    assert stored() == {f"IN{number}" for number in range(5)}


# -- afterwards --------------------------------------------------------------------------------------------------------


@pytest.fixture
def unstored(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> UnstoredEvent:
    """Carla's message that could not be stored; by now it can."""
    with monkeypatch.context() as patch:
        failing(patch, ValueError)
        tell(
            lease, [hello("ODD", body="Very private words", media=MediaRef("a/b", 5, "b.txt", {"key": "k"}))]
        )
    return UnstoredEvent.objects.get()


@pytest.fixture
def operator(client_of: Any) -> Any:
    return client_of(UserFactory(is_staff=True, is_superuser=True))


def press_retry(operator: Any) -> str:
    form = {
        "action": "retry",
        "_selected_action": [str(key) for key in UnstoredEvent.objects.values_list("pk", flat=True)],
    }
    answer = operator.post(reverse("admin:connections_unstoredevent_changelist"), form, follow=True)
    return str(answer.content.decode())


def test_an_operator_retries(operator: Any, unstored: UnstoredEvent) -> None:
    assert "1 event stored." in press_retry(operator)

    message = Message.objects.get()
    assert (message.content, message.whatsapp_message_id) == ("Very private words", "ODD")
    assert MediaFile.objects.get().source["token"] == {"key": "k"}
    assert not UnstoredEvent.objects.exists()


def test_a_retry_that_fails_says_why(operator: Any, unstored: UnstoredEvent, fails: list[int]) -> None:
    assert "1 event still can&#x27;t be stored" in press_retry(operator)
    unstored.refresh_from_db()
    assert (unstored.attempts, unstored.error) == (2, "ValueError")
    assert not Message.objects.exists()


def test_what_a_newer_driver_can_read_is_stored_with_a_retry(
    connection: WhatsAppConnection, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    WhatsAppConnection.objects.update(connection_mode="whatsapp-web")
    data = {"id": "NEW", "fromMe": False, "chat": {"phone": CARLA.phone[1:]}, "type": "chat", "body": "Hi"}
    with monkeypatch.context() as patch:
        patch.setattr(translate, "_body", lambda *args: 1 / 0)
        events = translate.translate_event({"type": "message", "data": data}, set())
    tell(lease, events)
    row = UnstoredEvent.objects.get()
    assert (row.kind, row.phone) == ("unreadable", CARLA.phone)

    assert unstored_events.retry([row.pk]) == 1
    assert Message.objects.get().content == "Hi"


def test_what_can_never_be_stored_stays_where_it_is(lease: Lease) -> None:
    tell(lease, [hello("X" * 300)])
    key = UnstoredEvent.objects.get().pk
    assert unstored_events.retry([key]) == 0
    assert UnstoredEvent.objects.get().error == "bad_id"


def test_operators_see_no_text_and_no_number(operator: Any, unstored: UnstoredEvent) -> None:
    for address in (
        reverse("admin:connections_unstoredevent_changelist"),
        reverse("admin:connections_unstoredevent_change", args=[unstored.pk]),
    ):
        page = operator.get(address).content.decode()
        assert "ValueError" in page
        assert "private words" not in page
        assert CARLA.phone not in page


def test_the_numbers_page_and_the_metrics_count_them(
    client_of: Any, owner: Any, connection: WhatsAppConnection, unstored: UnstoredEvent
) -> None:
    page = client_of(owner).get(reverse("connections:detail", args=[connection.pk])).content.decode()
    assert "1 message or update could not be stored" in page
    assert [gauge.value for gauge in gauges.read() if gauge.name == "events_unstored"] == [1]

    unstored.delete()
    page = client_of(owner).get(reverse("connections:detail", args=[connection.pk])).content.decode()
    assert "could not be stored" not in page


def test_they_go_after_thirty_days(unstored: UnstoredEvent, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks.prune()
    assert UnstoredEvent.objects.exists()
    monkeypatch.setattr(unstored_events, "now", lambda: now() + timedelta(days=31))
    tasks.prune()
    assert not UnstoredEvent.objects.exists()


def test_they_go_with_their_contact(business: Any, lease: Lease, unstored: UnstoredEvent) -> None:
    tell(lease, [hello("OTHER", DORA), hello("", DORA), hello("IN1", CARLA)])
    contacts.delete(business, [Contact.objects.get(phone_number=CARLA.phone).pk], None)
    assert [row.phone for row in UnstoredEvent.objects.all()] == [DORA.phone]


def test_they_go_with_their_business(business: Any, owner: Any, unstored: UnstoredEvent) -> None:
    type(business).objects.filter(pk=business.pk).update(deleted_at=now())
    assert purge.business(business.pk)
    assert not UnstoredEvent.objects.exists()
