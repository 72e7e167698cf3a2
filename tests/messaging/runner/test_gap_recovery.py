"""The gap of a number stays in its row until every chat was read, and its page says why it is still open."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from connections import gauges, leases, state_texts
from connections.drivers.base import POSTPONED, Ack, AckLevel, Chat, History, Transient
from connections.drivers.sandbox.driver import SandboxDriver
from connections.drivers.whatsapp_web import commands
from connections.drivers.whatsapp_web.errors import NoAnswer, PageError
from connections.drivers.whatsapp_web.options import Options
from connections.leases import Lease
from connections.models import SandboxCustomer, WhatsAppConnection
from connections.services import history_gaps, sandbox, sessions
from core.realtime import wakeup
from messaging.models import Message
from messaging.runner import gap_recovery
from messaging.runner.ack_watchdog import AckWatchdog
from tests import factories
from tests.connections.driver_contract import until
from tests.connections.live import is_connected, running

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("media_root"),
]

Read = list[tuple[datetime, list[str]]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "RESTART_WAITS", (0.05,))


@pytest.fixture
def linked(connection: WhatsAppConnection) -> WhatsAppConnection:
    """A number whose login is kept on both sides, and that was connected an hour ago."""
    connection.session_data = "linked"
    connection.status = WhatsAppConnection.Status.STARTING
    connection.inbound_cursor = {"caught_up_at": (timezone.now() - timedelta(hours=1)).isoformat()}
    connection.save()
    return connection


@pytest.fixture
def customer(linked: WhatsAppConnection) -> SandboxCustomer:
    return factories.SandboxCustomerFactory(phone=linked.sandbox_phone, number="+9992000000001")


@pytest.fixture
def lease(linked: WhatsAppConnection) -> Lease:
    taken = leases.acquire(linked.pk, "a worker")
    assert taken is not None
    return taken


def gap_of(number: WhatsAppConnection) -> tuple[datetime | None, str, int]:
    number.refresh_from_db()
    return number.gap_since, number.gap_reason, number.gap_chats


def reason_is(number: WhatsAppConnection, reason: str) -> None:
    until(lambda: gap_of(number)[1] == reason, f"the reason {reason}")


def healed(number: WhatsAppConnection) -> None:
    until(lambda: is_whole(number), "the end of the gap")


def is_whole(number: WhatsAppConnection) -> bool:
    return gap_of(number) == (None, "", 0)


def events_lost(number: WhatsAppConnection, customer: SandboxCustomer, *texts: str) -> None:
    """What customers write reaches the phone's chats and never the linked device as an event."""
    sandbox.set_faults(number, lose_events=len(texts), fail_history=10_000)
    for text in texts:
        sandbox.write_as(customer, None, text)


def test_the_start_of_a_gap_outlives_restarts_and_newer_messages_until_it_is_healed(
    linked: WhatsAppConnection, customer: SandboxCustomer
) -> None:
    last_seen = datetime.fromisoformat(linked.inbound_cursor["caught_up_at"])
    events_lost(linked, customer, "missed")
    for text in ("first", "second", "third"):
        with running(linked):
            is_connected(linked)
            reason_is(linked, "history_failed")
            sandbox.write_as(customer, None, text)
            until(lambda text=text: Message.objects.filter(content=text).exists(), text)  # type: ignore[misc]
        assert gap_of(linked)[0] == last_seen, "neither a restart nor a newer message moves it"
    assert not Message.objects.filter(content="missed").exists()

    sandbox.set_faults(linked, fail_history=0)
    with running(linked):
        healed(linked)
        until(lambda: Message.objects.filter(content="missed").exists(), "the missed message")
    linked.refresh_from_db()
    assert linked.backfilled_count == 1


def test_a_number_that_was_never_connected_has_no_gap(linked: WhatsAppConnection) -> None:
    WhatsAppConnection.objects.filter(pk=linked.pk).update(inbound_cursor={}, last_connected_at=None)
    with running(linked):
        is_connected(linked)
        assert is_whole(linked)


def test_chats_that_can_be_read_are_told_and_the_recent_ones_are_asked_for_again(
    linked: WhatsAppConnection, customer: SandboxCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gap_recovery, "WAITS", (0.2, 0.2, 3600.0))
    events_lost(linked, customer, "missed")
    whole, calls = SandboxDriver.history, Read()

    def history(driver: SandboxDriver, since: datetime, chats: Collection[str] = ()) -> History:
        calls.append((since, list(chats)))
        return History(whole(driver, since).events, {} if len(calls) == 3 else {"b@c.us": "timed_out"})

    sandbox.set_faults(linked, fail_history=0, lose_events=1)
    monkeypatch.setattr(SandboxDriver, "history", history)
    with running(linked):
        until(lambda: Message.objects.filter(content="missed").exists(), "what could be read")
        reason_is(linked, "unreadable")
        assert gap_of(linked)[2] == 1
        wakeup.notify(wakeup.connection_topic(linked.pk))
        until(lambda: _ring(linked) and is_whole(linked), "the end of the gap")
    assert [chats for _, chats in calls] == [[], [], []]
    assert len({since for since, _ in calls}) == 1
    assert Message.objects.filter(content="missed").count() == 1


def test_chats_whose_turn_has_not_come_are_read_at_once_and_nothing_waits_for_them(
    linked: WhatsAppConnection, customer: SandboxCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [["c", "d"], ["d"], []]

    def history(driver: SandboxDriver, since: datetime, chats: Collection[str] = ()) -> History:
        return History([], dict.fromkeys(left.pop(0), POSTPONED))

    monkeypatch.setattr(SandboxDriver, "history", history)
    with running(linked):
        until(lambda: not left and is_whole(linked), "the end of the gap")


def test_waits_between_the_tries_grow_and_end_growing(
    lease: Lease, linked: WhatsAppConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1000.0
    monkeypatch.setattr(gap_recovery.time, "monotonic", lambda: clock)
    driver = _Broken()
    steps = gap_recovery.GapRecovery(driver, lease, lambda events: 0)  # type: ignore[arg-type]
    steps.begin()
    tried = []
    for _ in range(4 * 3600):
        before = driver.tries
        steps.step()
        if driver.tries > before:
            tried.append(clock)
        clock += 1
    waits = [later - earlier for earlier, later in pairwise(tried)]
    assert waits == [60, 120, 300, 900, 1800, 3600, 3600, 3600]
    assert gap_of(linked)[1] == "no_answer"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> _Page:
    """A page whose clock, and everybody else's, is its own."""
    page = _Page()
    monkeypatch.setattr(gap_recovery.time, "monotonic", page.monotonic)
    monkeypatch.setattr(commands, "monotonic", page.monotonic)
    return page


@pytest.fixture
def steps(page: _Page, lease: Lease) -> gap_recovery.GapRecovery:
    steps = gap_recovery.GapRecovery(page, lease, lambda events: 0)  # type: ignore[arg-type]
    steps.begin()
    return steps


@pytest.mark.parametrize("slow", [1, 2, 3, 7])
def test_chats_that_all_time_out_are_tried_after_waits_that_grow(
    page: _Page, steps: gap_recovery.GapRecovery, linked: WhatsAppConnection, slow: int
) -> None:
    page.names = [f"{n}@c.us" for n in range(slow + 2)]
    page.broken = dict.fromkeys(page.names[:slow], "timed_out")
    ended = []
    while len(ended) < 5:
        asked = len(page.asked)
        while steps.step():
            pass
        page.pass_time(1)
        if len(page.asked) > asked:
            ended.append(page.clock)
            assert gap_of(linked)[1:] == ("unreadable", slow)
    reading = slow * 10
    waits = [later - earlier - reading for earlier, later in pairwise(ended)]
    assert waits == pytest.approx([60, 120, 300, 900], abs=1)
    assert page.asked == page.names + 4 * [*page.names[slow:], *page.names[:slow]], "what failed comes last"


def test_a_chat_that_is_gone_or_has_another_name_is_settled(
    page: _Page, steps: gap_recovery.GapRecovery, linked: WhatsAppConnection
) -> None:
    page.names, page.broken = ["a@c.us", "b@c.us"], {"a@c.us": "chat_not_found"}
    assert not steps.step()
    assert gap_of(linked)[1:] == ("unreadable", 1)
    page.names = ["b@c.us", "77@lid"]
    page.pass_time(61)
    steps.step()
    assert "77@lid" in page.asked
    assert is_whole(linked)


def test_a_page_that_hangs_over_one_chat_blinds_no_other(
    page: _Page, steps: gap_recovery.GapRecovery
) -> None:
    page.names, page.broken = ["a@c.us", "b@c.us", "c@c.us"], {"a@c.us": "hang", "b@c.us": "hang"}
    for _ in range(3):
        steps.step()
        page.pass_time(3601)
    assert page.asked == ["a@c.us", "b@c.us", "c@c.us", "a@c.us"]


def test_chats_that_wait_for_their_turn_are_read_although_more_is_missed_all_the_time(
    page: _Page, steps: gap_recovery.GapRecovery, linked: WhatsAppConnection
) -> None:
    page.names, page.seconds = [f"{n}@c.us" for n in range(9)], 9.0
    earliest = timezone.now() - timedelta(hours=2)
    for minute in range(6):
        page.missed = earliest + timedelta(minutes=minute)
        steps.step()
        page.pass_time(5)
    assert page.asked == page.names * 2
    assert gap_of(linked)[0] == earliest, "the stream may go on"
    page.pass_time(5)
    while steps.step():
        pass
    assert page.asked == page.names * 3
    assert is_whole(linked)


def test_what_is_missed_while_the_session_runs_opens_the_gap_again(
    linked: WhatsAppConnection, customer: SandboxCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gap_recovery, "SPACING", 0.0)
    missed: list[datetime] = []
    monkeypatch.setattr(SandboxDriver, "missed_since", lambda driver: missed.pop() if missed else None)
    with running(linked):
        is_connected(linked)
        healed(linked)
        sandbox.set_faults(linked, lose_events=1)
        sandbox.write_as(customer, None, "missed")
        until(lambda: not sandbox_faults(linked).get("lose_events"), "the loss")
        sandbox.set_faults(linked, fail_history=1)
        missed.append(datetime.now(UTC) - timedelta(seconds=5))
        until(lambda: _ring(linked) and gap_of(linked)[1] == "history_failed", "the failure")
        assert gap_of(linked)[0] is not None
        assert not Message.objects.filter(content="missed").exists()
    with running(linked):
        until(lambda: Message.objects.filter(content="missed").exists(), "the message")
        healed(linked)


def test_a_receipt_that_cannot_be_looked_up_does_not_end_the_session(
    linked: WhatsAppConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def lookup(driver: SandboxDriver, chat: Chat, wa_id: str) -> Ack | None:
        asked.append(wa_id)
        raise Transient("lookup_failed")

    monkeypatch.setattr(SandboxDriver, "lookup", lookup)
    watchdog = AckWatchdog()
    watchdog.record_send(Chat(phone="+9992000000001"), "3EB0AA", AckLevel.PENDING)
    with running(linked, watchdog):
        is_connected(linked)
        until(lambda: asked == ["3EB0AA"], "the question")
        linked.refresh_from_db()
        assert linked.restart_count == 0


def test_a_gap_only_widens_until_it_ends_and_what_was_found_is_counted(
    lease: Lease, linked: WhatsAppConnection
) -> None:
    now = timezone.now()
    assert history_gaps.begin(lease, now) == now
    assert history_gaps.begin(lease, now - timedelta(hours=2)) == now - timedelta(hours=2)
    assert history_gaps.begin(lease, now) == now - timedelta(hours=2)
    history_gaps.note(lease, "unreadable", 2, recovered=3)
    assert gap_of(linked) == (now - timedelta(hours=2), "unreadable", 2)
    history_gaps.end(lease, recovered=4)
    assert gap_of(linked) == (None, "", 0)
    assert linked.backfilled_count == 7


def test_the_page_says_since_when_and_why(
    lease: Lease, linked: WhatsAppConnection, owner: User, client: Client
) -> None:
    client.force_login(owner)
    WhatsAppConnection.objects.filter(pk=linked.pk).update(status="connected")
    page = f"/connections/{linked.pk}/"
    before = client.get(page).content.decode()
    assert "Catching up since" not in before
    history_gaps.begin(lease, timezone.now() - timedelta(hours=1))
    for reason, chats, words in (
        ("", 0, "are being fetched"),
        ("no_answer", 0, "answer when it was asked"),
        ("page_changed", 0, "check the phone"),
        ("something_new", 0, "may be missing here"),
        ("unreadable", 1, "1 chat couldn&#x27;t be read"),
        ("unreadable", 12, "12 chats couldn&#x27;t be read"),
    ):
        history_gaps.note(lease, reason, chats)
        shown = client.get(page).content.decode()
        assert "Catching up since" in shown
        assert words in shown, reason
        assert words in client.get("/connections/").content.decode()
        linked.refresh_from_db()
        assert state_texts.gap_text(linked)
    figures = {one.name: one.value for one in gauges.read() if not one.labels}
    assert figures["numbers_with_gap"] == 1
    history_gaps.end(lease, recovered=2)
    after = client.get(page).content.decode()
    assert "Catching up since" not in after
    assert "Fetched after a gap" in after


class _Broken:
    """A driver whose chats can never be read."""

    tries = 0

    def missed_since(self) -> None:
        return None

    def history(self, since: datetime, chats: Collection[str] = ()) -> History:
        self.tries += 1
        raise Transient("no_answer")


class _Page:
    """A driver over WhatsApp Web's reading of chats. Those of `broken` fail: after ten seconds, or when it hangs."""

    def __init__(self) -> None:
        self.clock = 1000.0
        self.seconds = 0.0
        self.names: list[str] = []
        self.broken: dict[str, str] = {}
        self.asked: list[str] = []
        self.missed: datetime | None = None
        self.history = commands.PageCommands(self._answer, Options(home=None, bundle=None)).history  # type: ignore[arg-type]

    def monotonic(self) -> float:
        return self.clock

    def pass_time(self, seconds: float) -> None:
        self.clock += seconds

    def missed_since(self) -> datetime | None:
        missed, self.missed = self.missed, None
        return missed

    def _answer(self, what: str, *, chat: str = "", **more: object) -> dict[str, Any]:
        if what == "recent":
            return {"chats": self.names, "left": 0}
        self.asked.append(chat)
        code = self.broken.get(chat) if chat in self.names else "chat_not_found"
        self.clock += 10 if code == "timed_out" else self.seconds
        if code == "hang":
            raise NoAnswer
        if code:
            raise PageError(code)
        return {"messages": [], "broken": 0, "cut": False}


def _ring(number: WhatsAppConnection) -> bool:
    """Wake the runner, so that it looks at everything now."""
    wakeup.notify(wakeup.connection_topic(number.pk))
    return True


def sandbox_faults(number: WhatsAppConnection) -> dict[str, Any]:
    number.sandbox_phone.refresh_from_db()
    return dict(number.sandbox_phone.faults)
