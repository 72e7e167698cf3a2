"""What proxies, containers and people on call are told."""

from __future__ import annotations

import re

import pytest
from django.db import DatabaseError
from django.test import Client

from core import gauges, shutdown
from messaging.models import Conversation
from tests import factories
from tests.messaging.helpers import queue
from whatsflow import health

pytestmark = pytest.mark.services

TOKEN = "a token for the scraper"


def test_a_live_process_says_so_and_nothing_else(client: Client) -> None:
    response = client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok")
    assert "no-store" in response["Cache-Control"]
    assert client.post("/livez").status_code == 405


def test_a_ready_process_names_what_it_looked_at(client: Client, db: None) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    assert {"database", "migrations", "running"} <= set(response.json()["checks"])


@pytest.mark.parametrize("what", ["database", "running"])
def test_a_process_that_is_not_ready_says_which_part(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def fail() -> bool:
        raise DatabaseError("password=secret")

    monkeypatch.setattr(health, "_database_answers" if what == "database" else "_running", fail)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert [name for name, state in response.json()["checks"].items() if state == "failed"] == [what]
    assert "secret" not in response.content.decode()


def test_a_process_that_stops_takes_no_new_requests(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown.stopping, "is_set", lambda: True)
    assert client.get("/readyz").status_code == 503


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer wrong", "Basic x", f"Bearer {TOKEN} "])
def test_metrics_are_private(client: Client, db: None, settings, sent: str) -> None:
    assert client.get("/metrics", headers={"Authorization": sent}).status_code == 404
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics", headers={"Authorization": sent}).status_code == 401


def test_metrics_count_what_waits_and_name_nobody(
    client: Client, conversation: Conversation, settings, django_assert_max_num_queries
) -> None:
    settings.METRICS_TOKEN = TOKEN
    for text in ("secret words", "more of them"):
        queue(conversation, text)
    factories.JobFactory(business_profile=conversation.business_profile)
    factories.ConnectionFactory(status="disconnected", desired="offline")
    with django_assert_max_num_queries(20):
        response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    told = response.content.decode()
    found = dict(re.findall(r"^(whatsflow_\S+) (\S+)$", told, re.MULTILINE))
    assert found["whatsflow_messages_ready"] == "2"
    assert float(found["whatsflow_disk_free_bytes"]) > 0
    assert found['whatsflow_numbers{status="connected"}'] == "1"
    assert found['whatsflow_numbers{status="disconnected"}'] == "1"
    assert found["whatsflow_numbers_unattended"] == "1"
    assert found['whatsflow_jobs{state="queued"}'] == "1"
    names = [line.split()[2] for line in told.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    for private in ("secret words", "Carla", "+999", str(conversation.pk)):
        assert private not in told


def test_labels_are_escaped() -> None:
    told = gauges.text([gauges.Gauge("x", "Help.", 1.5, {"a": 'q"\\\n'})])
    assert told == '# HELP whatsflow_x Help.\n# TYPE whatsflow_x gauge\nwhatsflow_x{a="q\\"\\\\\\n"} 1.5\n'
