"""A campaign while what carries it is killed: all get one final state, nobody gets two, counters equal the rows."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError
from django.db import connection as database

from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import drafts, lifecycle, outbox_feeder, recipient_states
from connections.models import SandboxCustomer, SandboxMessage, WhatsAppConnection
from contacts.models import Contact
from core.ids import uuid7
from messaging.models import Message
from messaging.outbox import pacing_settings
from tests.campaigns.counters import counters_of, recount
from tests.connections.driver_contract import until
from tests.faults import servers
from tests.faults.conftest import Workers

pytestmark = [pytest.mark.services, pytest.mark.slow]

FEW, MANY = 40, 2000
Killers = dict[str, Callable[[], None]]


def campaign_to(people: int, number: WhatsAppConnection) -> Campaign:
    """One that has just been started, sent to so many by a number without pacing."""
    business, phone = number.business_profile, number.sandbox_phone
    pacing_settings.change(business, number, None, {"enabled": False, "marketing_hours": 0})
    numbers = [f"+99920000{n:05d}1" for n in range(people)]
    SandboxCustomer.objects.bulk_create(
        SandboxCustomer(id=uuid7(), phone=phone, name=text, number=text, lid=f"66{text[6:]}", persona="quiet")
        for text in numbers
    )
    Contact.objects.bulk_create(
        Contact(business_profile=business, phone_number=text, name=f"Person {text}") for text in numbers
    )
    made = drafts.create(business, None, {"name": "Spring", "message_content": "Hi", "connections": [number]})
    return lifecycle.launch(business, made, None)


@pytest.fixture(autouse=True)
def no_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process rings for no worker; the workers do."""
    monkeypatch.setattr("campaigns.subscriptions._send_task", lambda task, key: None)


@pytest.fixture
def campaign(linked: WhatsAppConnection) -> Campaign:
    return campaign_to(FEW, linked)


@pytest.fixture
def fed(campaign: Campaign) -> Campaign:
    """All of it is in the outbox."""
    assert outbox_feeder.feed(campaign.pk) == FEW
    return campaign


def sends() -> int:
    return SandboxMessage.objects.filter(from_me=True).count()


def reached(count: int) -> None:
    until(lambda: sends() >= count, f"{count} sends")


def is_over(campaign: Campaign) -> bool:
    """The ledger follows its messages by itself: whoever settles the last one completes the campaign."""
    campaign.refresh_from_db()
    return campaign.status == Campaign.Status.COMPLETED


def counts_agree(campaign: Campaign) -> bool:
    """Whether the campaign's counters equal its rows."""
    campaign.refresh_from_db()
    return counters_of(campaign) == recount(campaign)


def nothing_is_lost_or_doubled(campaign: Campaign, people: int = FEW) -> None:
    until(lambda: is_over(campaign), "the end of the campaign")
    copies = Counter(SandboxMessage.objects.filter(from_me=True).values_list("customer_id", flat=True))
    assert set(copies.values()) <= {1}
    assert set(SandboxMessage.objects.filter(from_me=True).values_list("attempts", flat=True)) <= {1}
    assert not CampaignRecipient.objects.filter(campaign=campaign, status__in=recipient_states.OPEN).exists()
    until(lambda: counts_agree(campaign), "counters that equal the rows")  # acks of the last ones still come
    assert campaign.sent_count + campaign.unknown_count == people
    assert campaign.sent_count <= len(copies) <= people
    assert Message.objects.filter(origin="campaign").count() == people


def test_killing_the_sessions_worker_during_a_campaign(worker: Workers, fed: Campaign) -> None:
    for enough in (8, 24):
        victim = worker()
        reached(enough)
        victim.kill()
    worker()
    nothing_is_lost_or_doubled(fed)


def test_killing_every_connection_of_the_database_during_a_campaign(
    worker: Workers, fed: Campaign, require_postgres: None
) -> None:
    worker()
    for enough in (8, 24):
        reached(enough)
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    nothing_is_lost_or_doubled(fed)


def test_a_feeder_that_dies_before_its_commit_is_made_up_for(
    worker: Workers, campaign: Campaign, monkeypatch
) -> None:
    real = outbox_feeder._no_longer_sending

    def die(*arguments: object) -> bool:
        real(*arguments)  # type: ignore[arg-type]
        raise RuntimeError("killed")

    monkeypatch.setattr(outbox_feeder, "_no_longer_sending", die)
    with pytest.raises(RuntimeError):
        outbox_feeder.feed(campaign.pk)
    assert not Message.objects.filter(origin="campaign").exists()
    monkeypatch.setattr(outbox_feeder, "_no_longer_sending", real)
    assert outbox_feeder.feed(campaign.pk) == FEW
    worker()
    nothing_is_lost_or_doubled(campaign)


# -- two thousand recipients, real roles, servers of its own -----------------------------------------------------------


@pytest.fixture
def own_postgres(require_postgres: None, linked: WhatsAppConnection) -> Iterator[servers.Postgres]:
    """What is there so far is there too; this process works on it until the test ends."""
    with servers.Postgres() as server, server.instead_of(database):
        yield server


@pytest.fixture
def own_redis() -> Iterator[servers.Redis]:
    with servers.Redis() as server:
        yield server


@pytest.fixture
def role(
    processes: Workers, own_postgres: servers.Postgres, own_redis: servers.Redis
) -> Callable[[str], subprocess.Popen[bytes]]:
    """`role("worker")` starts that role of the program on the servers of this test."""
    own = {"DATABASE_URL": own_postgres.url, "REDIS_URL": own_redis.url}
    return lambda name: processes("manage", "up", "--role", name, environment=own)


def restarted(role: Callable[[str], subprocess.Popen[bytes]], name: str) -> Callable[[], None]:
    """Starts that role now; calling it kills it and starts another one."""
    running = [role(name)]

    def again() -> None:
        running[-1].kill()
        running.append(role(name))

    return again


def is_back() -> bool:
    """Whether the database answers, on a connection of this process that may have died with it."""
    try:
        database.close()
        return sends() >= 0
    except OperationalError:
        return False


def test_killing_workers_redis_and_postgresql_in_turn_during_a_run_of_2000(
    own_postgres: servers.Postgres,
    own_redis: servers.Redis,
    role: Callable[[str], subprocess.Popen[bytes]],
    linked: WhatsAppConnection,
) -> None:
    campaign = campaign_to(MANY, linked)
    role("beat")
    worker, sessions = restarted(role, "worker"), restarted(role, "sessions")

    reached(200)
    worker()
    reached(600)
    sessions()
    reached(900)
    own_redis.kill()
    reached(950)  # what is in the outbox goes out without it
    own_redis.start()
    reached(1300)
    own_postgres.kill()
    own_postgres.start()
    until(is_back, "the database")
    reached(1600)
    sessions()
    worker()

    nothing_is_lost_or_doubled(campaign, MANY)
