"""Real processes that post webhooks are killed during a storm, and so are Redis and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection as database

from accounts.models import BusinessProfile
from tests import factories
from tests.connections.driver_contract import until
from tests.faults import servers, storm
from tests.webhooks.receiver import Receiver
from webhooks.models import Webhook, WebhookDelivery

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

COUNT = 400
MANY = 10_000
MOODY = 2000
"""Requests until the receiver of the great storm recovers."""


def delivered(webhook: Webhook) -> int:
    return WebhookDelivery.objects.filter(webhook=webhook, state="delivered").count()


def reaches(webhook: Webhook, share: float) -> None:
    until(lambda: delivered(webhook) >= COUNT * share, f"{share:.0%} of the deliveries")


def arrived(receiver: Receiver, share: float) -> None:
    """Wait for so many different events; each step of the way has as much time as `until` gives."""
    while len(receiver.ids) < MANY * share:
        before = len(receiver.ids)
        until(
            lambda before=before: len(receiver.ids) >= min(before + 100, MANY * share), f"more than {before}"
        )


def test_killing_workers_during_a_storm_loses_no_event(
    require_sqlite: None, business: BusinessProfile, process_env: dict[str, str], tmp_path: Path
) -> None:
    with storm.Moody(until=COUNT // 2) as receiver:
        webhook = factories.WebhookFactory(business_profile=business, url=receiver.url)
        storm.happen(webhook, COUNT)
        environment = storm.environment_of(process_env, receiver)
        with storm.workers(environment, tmp_path / "worker.log") as start:
            for share in (0.1, 0.4):
                victim = start()
                reaches(webhook, share)
                victim.kill()
            start()
            reaches(webhook, 1.0)
        storm.nothing_was_lost(webhook, receiver, COUNT)


def test_a_worker_killed_between_answer_and_commit_posts_again_under_the_same_id(
    business: BusinessProfile, process_env: dict[str, str], tmp_path: Path
) -> None:
    marker = tmp_path / "reached"
    with storm.Moody(until=0) as receiver:
        webhook = factories.WebhookFactory(business_profile=business, url=receiver.url)
        storm.happen(webhook, 1)
        environment = storm.environment_of(process_env, receiver)
        stopped = {**environment, "WHATSFLOW_FAILPOINTS": f"webhooks.posted:{marker}"}
        with storm.workers(stopped, tmp_path / "first.log") as start:
            start()
            until(marker.exists, "the answer")
        marker.unlink()
        with storm.workers(environment, tmp_path / "second.log") as start:
            start()
            until(lambda: delivered(webhook) == 1, "the second delivery")
        assert len(receiver.received) == 2
        storm.nothing_was_lost(webhook, receiver, 1)


def test_a_worker_asked_to_stop_gives_back_what_it_has_not_begun(
    business: BusinessProfile, process_env: dict[str, str], tmp_path: Path
) -> None:
    with storm.Moody(until=0) as receiver:
        webhook = factories.WebhookFactory(business_profile=business, url=receiver.url)
        storm.happen(webhook, COUNT)
        environment = storm.environment_of(process_env, receiver)
        environment["WHATSFLOW_WEBHOOK_CLAIM_SECONDS"] = "600"
        with storm.workers(environment, tmp_path / "worker.log") as start:
            first = start()
            reaches(webhook, 0.2)
            first.terminate()
            assert first.wait(20) == 0
            assert not WebhookDelivery.objects.exclude(claim=None).exists()
            start()
            reaches(webhook, 1.0)
        storm.nothing_was_lost(webhook, receiver, COUNT)


def test_ten_thousand_events_arrive_though_everything_is_killed(
    require_postgres: None, business: BusinessProfile, process_env: dict[str, str], tmp_path: Path
) -> None:
    """The receiver fails, hangs and resets by script, then recovers, while events go on happening."""
    with (
        servers.Redis() as redis,
        servers.Postgres() as postgres,
        storm.Moody(until=MOODY) as receiver,
        Receiver() as steady,
    ):
        webhook = factories.WebhookFactory(business_profile=business, url=receiver.url)
        other = factories.WebhookFactory(business_profile=business, url=steady.url, events=[storm.RARE])
        environment = storm.environment_of(process_env, receiver, steady)
        environment |= {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
        with (
            postgres.instead_of(database),
            storm.happening(webhook, MANY, receiver),
            storm.workers(environment, tmp_path / "worker.log") as start,
        ):
            victim = start()
            arrived(receiver, 0.05)
            victim.kill()
            start()
            start()
            arrived(receiver, 0.2)
            redis.kill()
            arrived(receiver, 0.3)
            redis.start()
            arrived(receiver, 0.5)
            postgres.kill()
            postgres.start()
            arrived(receiver, 0.7)
            for each in (start, redis, postgres):
                each.kill()
            for again in (postgres.start, redis.start, start):
                again()
            arrived(receiver, 1.0)
            until(lambda: delivered(webhook) == MANY and delivered(other) == MANY // 10, "all in our books")
            storm.nothing_was_lost(webhook, receiver, MANY)
            storm.nothing_was_lost(other, steady, MANY // 10)
