"""What people do with numbers: create, connect, disconnect, log out, rename, delete."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AuditEntry, BusinessProfile, User
from connections import leases
from connections.events import ConnectionStatusChanged
from connections.models import SandboxPhone, WhatsAppConnection
from connections.services import numbers
from core import events
from core.errors import Conflict, InvalidInput

pytestmark = pytest.mark.services

Desired = WhatsAppConnection.Desired
Status = WhatsAppConnection.Status


@pytest.fixture
def number(business: BusinessProfile, owner: User) -> WhatsAppConnection:
    """A new sandbox number, not connected yet."""
    return numbers.create(business, owner, WhatsAppConnection.Mode.SANDBOX, "Front  desk")


def attended(connection: WhatsAppConnection) -> None:
    """A runner has the number."""
    assert leases.acquire(connection.pk, "runner") is not None


def test_a_sandbox_number_comes_with_a_phone_that_nobody_can_own(number: WhatsAppConnection) -> None:
    assert number.sandbox_phone.number.startswith("+9991")
    assert (number.status, number.phone_number, number.name) == (Status.DISCONNECTED, None, "Front desk")
    assert AuditEntry.objects.filter(action="connection.created", target_id=str(number.pk)).exists()


def test_two_phones_of_one_seed_would_share_a_number_so_another_seed_is_taken(
    business: BusinessProfile, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = iter([7, 7, 8])
    monkeypatch.setattr(SandboxPhone._meta.get_field("seed"), "default", lambda: next(seeds))
    monkeypatch.setattr(SandboxPhone._meta.get_field("seed"), "_get_default", lambda: next(seeds))
    made = [numbers.create(business, owner, WhatsAppConnection.Mode.SANDBOX) for _ in range(2)]
    assert [one.sandbox_phone.seed for one in made] == [7, 8]


@pytest.mark.parametrize("mode", ["telegram", ""])
def test_an_unknown_mode_is_refused(business: BusinessProfile, owner: User, mode: str) -> None:
    with pytest.raises(InvalidInput, match="no such way"):
        numbers.create(business, owner, mode)
    assert not WhatsAppConnection.objects.exists()


def test_connecting_asks_for_it_and_says_starting(number: WhatsAppConnection, owner: User) -> None:
    numbers.connect(number, owner)
    assert (number.desired, number.status) == (Desired.ONLINE, Status.STARTING)
    assert number.start_requested_at is not None


def test_connecting_starts_a_worker_after_the_commit(
    number: WhatsAppConnection,
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(numbers.current_app, "send_task", lambda name, args: asked.append((name, args)))
    with django_capture_on_commit_callbacks(execute=True):
        numbers.connect(number, owner)
        assert asked == []
    assert asked == [("connections.tasks.run_session", [str(number.pk)])]


def test_a_dead_broker_does_not_keep_anybody_from_connecting(
    number: WhatsAppConnection,
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    def dead(name: str, args: list[str]) -> None:
        raise ConnectionError

    monkeypatch.setattr(numbers.current_app, "send_task", dead)
    with django_capture_on_commit_callbacks(execute=True):
        numbers.connect(number, owner)
    number.refresh_from_db()
    assert number.desired == Desired.ONLINE


@pytest.mark.parametrize("phone", ["12", "hello", "+44 7"])
def test_a_pairing_phone_that_is_no_number_changes_nothing(
    number: WhatsAppConnection, owner: User, phone: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        numbers.connect(number, owner, pairing_phone=phone)
    assert refused.value.code == "invalid_phone_number"
    number.refresh_from_db()
    assert number.desired == Desired.OFFLINE


def test_nobody_drives_it_so_disconnecting_is_done_at_once(number: WhatsAppConnection, owner: User) -> None:
    numbers.connect(number, owner)
    numbers.disconnect(number, owner)
    assert (number.desired, number.status, number.status_reason) == (
        Desired.OFFLINE,
        Status.DISCONNECTED,
        "user",
    )


def test_a_runner_writes_the_state_of_the_number_it_holds(
    connection: WhatsAppConnection, owner: User
) -> None:
    attended(connection)
    numbers.disconnect(connection, owner)
    assert (connection.desired, connection.status) == (Desired.OFFLINE, Status.CONNECTED)


def test_logging_out_without_a_login_needs_no_runner(number: WhatsAppConnection, owner: User) -> None:
    numbers.logout(number, owner)
    assert number.desired == Desired.OFFLINE


def test_logging_out_with_a_login_is_left_to_a_runner(connection: WhatsAppConnection, owner: User) -> None:
    connection.session_data = "login"
    connection.save()
    numbers.logout(connection, owner)
    assert connection.desired == Desired.LOGGED_OUT


def test_every_change_is_told(
    number: WhatsAppConnection, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[ConnectionStatusChanged] = []
    monkeypatch.setattr(events, "_inside", {**events._inside, ConnectionStatusChanged: [told.extend]})
    numbers.connect(number, owner)
    numbers.disconnect(number, owner)
    assert [event.status for event in told] == [Status.STARTING, Status.DISCONNECTED]
    assert {event.connection_id for event in told} == {number.pk}


def test_renaming_trims_and_refuses_too_much(number: WhatsAppConnection, owner: User) -> None:
    numbers.rename(number, owner, "  Shop \n Berlin ")
    number.refresh_from_db()
    assert number.name == "Shop Berlin"
    with pytest.raises(InvalidInput):
        numbers.rename(number, owner, "x" * 101)


def test_a_connected_number_is_not_deleted(connection: WhatsAppConnection, owner: User) -> None:
    with pytest.raises(Conflict):
        numbers.delete(connection, owner)
    attended(connection)
    numbers.disconnect(connection, owner)
    with pytest.raises(Conflict):
        numbers.delete(connection, owner)
    assert WhatsAppConnection.objects.filter(pk=connection.pk).exists()


def test_a_disconnected_number_is_deleted_with_its_phone(number: WhatsAppConnection, owner: User) -> None:
    numbers.delete(number, owner)
    assert not WhatsAppConnection.objects.exists()
    assert not SandboxPhone.objects.exists()
    assert AuditEntry.objects.filter(action="connection.deleted").exists()
