"""What the runner writes about its number, and who gets asked for a runner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import User
from connections import leases, state_texts
from connections.drivers.base import Phase, State
from connections.leases import Lease, LeaseLost
from connections.models import WhatsAppConnection
from connections.services import numbers, sessions
from connections.tasks import ensure_sessions
from messaging.runner import capacity
from messaging.tasks import run_session
from tests import factories

pytestmark = pytest.mark.services

Desired = WhatsAppConnection.Desired
Reason = WhatsAppConnection.Reason
Status = WhatsAppConnection.Status


@pytest.fixture
def lease(connection: WhatsAppConnection) -> Lease:
    found = leases.acquire(connection.pk, "runner")
    assert found is not None
    return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The numbers for which a worker was asked."""
    found: list[UUID] = []
    monkeypatch.setattr(numbers, "start", found.append)
    return found


def qr(content: str) -> State:
    return State(Phase.QR, qr=content, qr_expires_in=20)


def ready(number: str = "+9991000000001", **fields: str) -> State:
    return State(Phase.READY, own_number=number, own_name="Blue Bakery", **fields)


def test_a_qr_code_is_kept_encrypted_until_it_was_scanned(
    connection: WhatsAppConnection, lease: Lease
) -> None:
    sessions.report_state(lease, qr("first"))
    sessions.report_state(lease, qr("second"))
    connection.refresh_from_db()
    assert (connection.status, connection.qr_code, connection.qr_count) == (Status.QR_PENDING, "second", 2)
    assert connection.qr_expires_at is not None
    sessions.report_state(lease, ready())
    connection.refresh_from_db()
    assert (connection.status, connection.qr_code, connection.qr_count) == (Status.CONNECTED, "", 0)
    assert connection.push_name == "Blue Bakery"


def test_a_qr_code_is_not_readable_in_the_database(connection: WhatsAppConnection, lease: Lease) -> None:
    from django.db import connection as database

    sessions.report_state(lease, qr("canary"))
    with database.cursor() as cursor:
        cursor.execute("SELECT qr_code FROM whatsapp_connections")
        assert "canary" not in cursor.fetchone()[0]


def test_the_first_scan_tells_the_number(connection: WhatsAppConnection, lease: Lease) -> None:
    WhatsAppConnection.objects.filter(pk=connection.pk).update(phone_number=None)
    assert sessions.report_state(lease, ready("+9991222222222")) == ""
    connection.refresh_from_db()
    assert connection.phone_number == "+9991222222222"


def test_a_number_that_another_business_has_is_not_taken_over(
    connection: WhatsAppConnection, lease: Lease
) -> None:
    WhatsAppConnection.objects.filter(pk=connection.pk).update(phone_number=None)
    factories.ConnectionFactory(phone_number="+9991222222222")
    assert sessions.report_state(lease, ready("+9991222222222")) == Reason.NUMBER_TAKEN
    connection.refresh_from_db()
    assert connection.phone_number is None


def test_another_number_than_before_is_refused(connection: WhatsAppConnection, lease: Lease) -> None:
    assert sessions.report_state(lease, ready("+9991222222222")) == Reason.WRONG_NUMBER


def test_an_end_keeps_its_reason_and_switches_the_number_off(
    connection: WhatsAppConnection, lease: Lease
) -> None:
    sessions.ended(lease, Reason.UNLINKED, "")
    connection.refresh_from_db()
    assert (connection.status, connection.status_reason) == (Status.DISCONNECTED, Reason.UNLINKED)
    assert connection.desired == Desired.OFFLINE


def test_a_reason_without_words_of_its_own_is_an_unexpected_error(
    connection: WhatsAppConnection, lease: Lease
) -> None:
    sessions.crashed(lease, "the moon")
    connection.refresh_from_db()
    assert connection.status_reason == Reason.ERROR


def test_somebody_who_connects_again_while_it_goes_offline_is_heard(
    connection: WhatsAppConnection, lease: Lease
) -> None:
    sessions.ended(lease, Reason.USER, "")
    connection.refresh_from_db()
    assert connection.desired == Desired.ONLINE


def test_waits_between_crashes_grow(connection: WhatsAppConnection, lease: Lease) -> None:
    waits = [sessions.crashed(lease, Reason.ERROR) for _ in range(10)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1.0, 300.0)
    assert sessions.instructions(lease).wait == pytest.approx(300, abs=5)
    sessions.record_proof(lease, steady=True)
    assert sessions.instructions(lease).wait == 0


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (Reason.NO_ACKS, Status.DEGRADED),
        (Reason.NO_ANSWER, Status.DEGRADED),
        (Reason.BROWSER_DIED, Status.DISCONNECTED),
    ],
)
def test_a_number_that_is_linked_and_deaf_is_told_from_one_that_is_gone(
    connection: WhatsAppConnection, lease: Lease, reason: str, status: str
) -> None:
    sessions.crashed(lease, reason)
    connection.refresh_from_db()
    assert (connection.status, connection.status_reason) == (status, reason)


def test_the_login_is_kept_under_rising_generations(connection: WhatsAppConnection, lease: Lease) -> None:
    for login in ("one", "one", "two"):
        sessions.save_session(lease, login)
    connection.refresh_from_db()
    assert (connection.session_data, connection.session_generation) == ("two", 2)


@pytest.mark.parametrize(
    "verb",
    [
        lambda lease: sessions.report_state(lease, ready()),
        lambda lease: sessions.ended(lease, Reason.USER, ""),
        lambda lease: sessions.crashed(lease, Reason.ERROR),
        lambda lease: sessions.paused(lease),
        lambda lease: sessions.save_session(lease, "login"),
        lambda lease: sessions.record_proof(lease, steady=True),
        lambda lease: sessions.load(lease),
        lambda lease: sessions.instructions(lease),
    ],
)
def test_without_the_lease_nothing_is_written(
    connection: WhatsAppConnection, lease: Lease, verb: Any
) -> None:
    leases.release(lease)
    before = WhatsAppConnection.objects.values().get(pk=connection.pk)
    with pytest.raises(LeaseLost):
        verb(lease)
    assert WhatsAppConnection.objects.values().get(pk=connection.pk) == before


# -- asking for runners --------------------------------------------------------------------------------


def test_a_number_that_nobody_drives_gets_a_runner_once(
    connection: WhatsAppConnection, asked: list[UUID]
) -> None:
    assert sessions.ensure() == 1
    assert sessions.ensure() == 0
    assert asked == [connection.pk]
    connection.refresh_from_db()
    assert connection.status == Status.STARTING


@pytest.mark.parametrize(
    "fields",
    [
        {"desired": Desired.OFFLINE},
        {"restart_not_before": timezone.now() + timedelta(hours=1)},
        {"lease_owner": "runner", "lease_expires_at": timezone.now() + timedelta(hours=1)},
    ],
)
def test_no_runner_is_asked_for_when_none_is_needed(
    connection: WhatsAppConnection, asked: list[UUID], fields: dict[str, Any]
) -> None:
    WhatsAppConnection.objects.filter(pk=connection.pk).update(**fields)
    assert sessions.ensure() == 0


def test_a_worker_that_died_leaves_its_number_to_be_asked_for(
    connection: WhatsAppConnection, lease: Lease, asked: list[UUID]
) -> None:
    WhatsAppConnection.objects.filter(pk=connection.pk).update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    ensure_sessions()
    assert asked == [connection.pk]


def test_a_number_for_which_no_worker_comes_says_so_until_one_does(
    connection: WhatsAppConnection, asked: list[UUID]
) -> None:
    long_ago = timezone.now() - timedelta(seconds=sessions.NO_WORKER_SECONDS + 1)
    WhatsAppConnection.objects.filter(pk=connection.pk).update(
        status=Status.STARTING, start_requested_at=long_ago, status_changed_at=long_ago
    )
    sessions.ensure()
    connection.refresh_from_db()
    assert (connection.status, connection.status_reason) == (Status.STARTING, "no_worker")
    assert "WHATSFLOW_MAX_SESSIONS" in state_texts.reason_text(connection).next_step
    lease = leases.acquire(connection.pk, "runner")
    assert lease is not None
    sessions.report_state(lease, State(Phase.LOADING))
    connection.refresh_from_db()
    assert (connection.status, connection.status_reason) == (Status.STARTING, "")


def test_a_logout_that_waits_gets_a_runner_too(connection: WhatsAppConnection, asked: list[UUID]) -> None:
    WhatsAppConnection.objects.filter(pk=connection.pk).update(desired=Desired.LOGGED_OUT)
    assert sessions.ensure() == 1


def test_without_any_worker_a_day_brings_few_tasks() -> None:
    start = now = datetime(2026, 1, 1, tzinfo=UTC)
    requested, asks = None, 0
    while now < start + timedelta(days=1):
        if sessions.should_request_again(now, requested, start):
            requested, asks = now, asks + 1
        now += timedelta(seconds=5)
    assert asks < 300


def test_a_process_drives_no_more_numbers_than_it_may(
    connection: WhatsAppConnection, settings: Any, owner: User
) -> None:
    settings.MAX_SESSIONS = 0
    assert not capacity.run_here(connection.pk)
    run_session(str(connection.pk))
    connection.refresh_from_db()
    assert connection.lease_epoch == 0


def test_a_number_that_this_process_drives_already_is_not_taken_again(
    connection: WhatsAppConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "_running", {connection.pk})
    assert not capacity.run_here(connection.pk)
