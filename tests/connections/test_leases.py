"""Leases: one holder a number, in database time, fenced by the epoch."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from connections import leases
from connections.leases import Lease, LeaseKeeper, LeaseLost
from connections.models import WhatsAppConnection
from tests.connections.driver_contract import until

pytestmark = pytest.mark.services


def taken(connection: WhatsAppConnection, owner: str = "first") -> Lease:
    lease = leases.acquire(connection.pk, owner)
    assert lease is not None
    return lease


def run_out(connection: WhatsAppConnection) -> None:
    """Let the lease's time be over."""
    WhatsAppConnection.objects.filter(pk=connection.pk).update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )


def test_a_free_number_is_acquired_once(connection: WhatsAppConnection) -> None:
    lease = taken(connection)
    assert lease.business_id == connection.business_profile_id
    assert lease.epoch == 1
    assert leases.acquire(connection.pk, "second") is None
    assert leases.acquire(connection.pk, "first") is None


def test_a_number_that_does_not_exist_is_not_acquired(business: Any) -> None:
    assert leases.acquire(business.pk, "first") is None


def test_each_acquisition_raises_the_epoch(connection: WhatsAppConnection) -> None:
    leases.release(taken(connection))
    assert taken(connection, "second").epoch == 2


def test_a_lease_that_ran_out_can_be_taken_over_but_not_renewed(connection: WhatsAppConnection) -> None:
    old = taken(connection)
    run_out(connection)
    assert not leases.renew(old)
    assert taken(connection, "second").epoch == 2
    assert not leases.renew(old)


def test_a_running_lease_is_renewed(connection: WhatsAppConnection) -> None:
    lease = taken(connection)
    assert leases.renew(lease)
    with transaction.atomic():
        assert leases.guard(lease).pk == connection.pk


@pytest.mark.parametrize("how", ["released", "ran out", "taken over"])
def test_the_guard_refuses_a_lease_that_is_over(connection: WhatsAppConnection, how: str) -> None:
    lease = taken(connection)
    if how == "released":
        leases.release(lease)
    else:
        run_out(connection)
    if how == "taken over":
        taken(connection, "second")
    with pytest.raises(LeaseLost), transaction.atomic():
        leases.guard(lease)


def test_releasing_a_lost_lease_leaves_the_new_holder_alone(connection: WhatsAppConnection) -> None:
    old = taken(connection)
    run_out(connection)
    new = taken(connection, "second")
    leases.release(old)
    assert leases.renew(new)


def test_this_machines_clock_does_not_matter(
    connection: WhatsAppConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose clock is an hour ahead neither steals a lease nor loses its own."""
    lease = taken(connection)
    real = timezone.now
    monkeypatch.setattr("django.utils.timezone.now", lambda: real() + timedelta(hours=1))
    assert leases.acquire(connection.pk, "second") is None
    assert leases.renew(lease)


def test_of_many_who_ask_at_once_one_gets_it(transactional_db: None, connection: WhatsAppConnection) -> None:
    start = threading.Barrier(8)

    def ask(number: int) -> bool:
        start.wait()
        try:
            return leases.acquire(connection.pk, f"worker {number}") is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 1
    connection.refresh_from_db()
    assert connection.lease_epoch == 1


class TestKeeper:
    @pytest.fixture(autouse=True)
    def quick(self, settings: Any) -> None:
        settings.LEASE_SECONDS = 0.6
        settings.LEASE_RENEW_SECONDS = 0.1

    def hold(self, connection: WhatsAppConnection) -> tuple[LeaseKeeper, Lease, threading.Event]:
        keeper, lost, asked = LeaseKeeper(leases.renew), threading.Event(), time.monotonic()
        lease = taken(connection)
        keeper.hold(lease, lost.set, asked)
        return keeper, lease, lost

    def test_it_keeps_a_lease_alive_past_its_time(
        self, transactional_db: None, connection: WhatsAppConnection
    ) -> None:
        keeper, lease, lost = self.hold(connection)
        assert not lost.wait(1.2)
        assert keeper.certain(lease)
        assert leases.renew(lease)
        keeper.drop(lease)
        assert not keeper.certain(lease)

    def test_it_tells_when_a_lease_is_lost(
        self, transactional_db: None, connection: WhatsAppConnection
    ) -> None:
        keeper, lease, lost = self.hold(connection)
        run_out(connection)
        assert lost.wait(5)
        assert not keeper.certain(lease)

    def test_its_thread_ends_with_the_last_lease(
        self, transactional_db: None, connection: WhatsAppConnection
    ) -> None:
        keeper, lease, _ = self.hold(connection)
        thread = keeper._thread
        assert thread is not None
        keeper.drop(lease)
        until(lambda: not thread.is_alive(), "the end of the thread")


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_jump_of_this_machines_clock_neither_ends_nor_prolongs_a_lease(
    connection: WhatsAppConnection, monkeypatch: pytest.MonkeyPatch, settings: Any, hours: int
) -> None:
    real = timezone.now
    lease = taken(connection)
    monkeypatch.setattr("django.utils.timezone.now", lambda: real() + timedelta(hours=hours))
    monkeypatch.setattr("core.clock.now", lambda: real() + timedelta(hours=hours))
    assert leases.renew(lease)
    assert leases.acquire(connection.pk, "second") is None
    with transaction.atomic():
        assert leases.guard(lease).pk == connection.pk
    connection.refresh_from_db()
    assert connection.lease_expires_at is not None
    assert 0 < (connection.lease_expires_at - real()).total_seconds() <= settings.LEASE_SECONDS


def test_past_its_time_a_lease_is_not_certain_although_nobody_has_taken_it(
    connection: WhatsAppConnection, settings: Any
) -> None:
    settings.LEASE_RENEW_SECONDS = 3600  # nobody renews it: so it is for a process that was paused
    keeper, lease = LeaseKeeper(leases.renew), taken(connection)
    for age, certain in ((settings.LEASE_SECONDS - 1, True), (settings.LEASE_SECONDS, False)):
        keeper.hold(lease, lambda: None, time.monotonic() - age)
        assert keeper.certain(lease) is certain
    keeper.drop(lease)


def test_of_two_leases_of_a_number_only_the_held_one_is_certain(connection: WhatsAppConnection) -> None:
    keeper, old = LeaseKeeper(leases.renew), taken(connection)
    run_out(connection)
    new = taken(connection, "second")
    keeper.hold(new, lambda: None, time.monotonic())
    assert keeper.certain(new)
    assert not keeper.certain(old)
    keeper.drop(old)
    assert keeper.certain(new)
    keeper.drop(new)
