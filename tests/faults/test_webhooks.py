"""Real processes that post webhooks are killed, and so are Redis and the connections to PostgreSQL, during a storm."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection as database

from accounts.models import BusinessProfile
from connections.models import Webhook, WebhookDelivery
from tests import factories
from tests.connections.driver_contract import until
from tests.faults import servers, storm

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

COUNT = 400


def delivered(webhook: Webhook) -> int:
    return WebhookDelivery.objects.filter(webhook=webhook, state="delivered").count()


def reaches(webhook: Webhook, share: float) -> None:
    until(lambda: delivered(webhook) >= COUNT * share, f"{share:.0%} of the deliveries")


def test_killing_workers_during_a_storm_loses_no_event(
    business: BusinessProfile, process_env: dict[str, str], tmp_path: Path
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


def test_connections_to_postgresql_that_end_lose_no_event(
    require_postgres: None, business: BusinessProfile, process_env: dict[str, str], tmp_path: Path
) -> None:
    with storm.Moody(until=COUNT // 2) as receiver:
        webhook = factories.WebhookFactory(business_profile=business, url=receiver.url)
        storm.happen(webhook, COUNT)
        with storm.workers(storm.environment_of(process_env, receiver), tmp_path / "worker.log") as start:
            start()
            for share in (0.1, 0.3, 0.6):
                reaches(webhook, share)
                _terminate_others()
            reaches(webhook, 1.0)
        storm.nothing_was_lost(webhook, receiver, COUNT)


def _terminate_others() -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_redis_that_dies_and_comes_back_loses_no_event(
    require_postgres: None,
    business: BusinessProfile,
    process_env: dict[str, str],
    tmp_path: Path,
) -> None:
    with servers.redis(tmp_path) as redis, storm.Moody(until=COUNT // 2) as receiver:
        redis.start()
        webhook = factories.WebhookFactory(business_profile=business, url=receiver.url)
        storm.happen(webhook, COUNT)
        environment = storm.environment_of(process_env, receiver)
        environment["REDIS_URL"] = redis.url
        with storm.workers(environment, tmp_path / "worker.log") as start:
            start()
            reaches(webhook, 0.2)
            redis.kill()
            reaches(webhook, 0.6)
            redis.start()
            reaches(webhook, 1.0)
        storm.nothing_was_lost(webhook, receiver, COUNT)
