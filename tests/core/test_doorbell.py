"""Waking those who wait for work."""

import os
import subprocess
import sys
import threading
import time
from uuid import uuid4

import pytest
from django.conf import settings

from whatsflow.core import doorbell

pytestmark = pytest.mark.services


def test_a_ring_wakes_who_listens() -> None:
    topic = doorbell.connection_topic(uuid4())
    with doorbell.listen(topic) as bell:
        threading.Timer(0.05, doorbell.ring, [topic]).start()
        assert bell.wait(10) is True


def test_a_ring_before_the_wait_is_kept_once() -> None:
    topic = doorbell.connection_topic(uuid4())
    with doorbell.listen(topic) as bell:
        bell.ring()
        bell.ring()
        assert bell.wait(10) is True


def test_other_topics_do_not_wake() -> None:
    with doorbell.listen(f"quiet.{uuid4().hex}") as bell:
        if not settings.EMBEDDED:
            bell.wait(0.5)  # a new subscription rings once, in case something was missed
        doorbell.ring(f"loud.{uuid4().hex}")
        assert bell.wait(0.1) is False


def test_every_listener_of_a_topic_is_woken() -> None:
    topic = f"all.{uuid4().hex}"
    with doorbell.listen(topic) as first, doorbell.listen(topic) as second:
        doorbell.ring(topic)
        assert first.wait(10)
        assert second.wait(10)


def test_nothing_is_left_of_a_bell_that_was_put_away() -> None:
    topic = f"gone.{uuid4().hex}"
    with doorbell.listen(topic):
        assert topic in doorbell._bells
    assert topic not in doorbell._bells
    doorbell.ring(topic)


def test_topics_are_the_same_for_both_spellings_of_an_id() -> None:
    id_ = uuid4()
    assert doorbell.connection_topic(id_) == doorbell.connection_topic(str(id_))


RING = "import django; django.setup(); from whatsflow.core import doorbell; doorbell.ring('{topic}'); {wait}"


def test_another_process_rings(require_redis: str) -> None:
    topic = f"far.{uuid4().hex}"
    code = RING.format(topic=topic, wait="import time; time.sleep(1)")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with doorbell.listen(topic) as bell:
        bell.wait(1)
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
        assert bell.wait(10) is True


def test_ringing_without_redis_neither_waits_nor_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    from whatsflow.core import courier

    monkeypatch.setattr(settings, "EMBEDDED", False)
    away = courier.Courier("redis://127.0.0.1:1/0", capacity=5)
    monkeypatch.setattr(doorbell, "courier", lambda: away)
    before = time.perf_counter()
    for _ in range(100):
        doorbell.ring("nobody")
    assert time.perf_counter() - before < 1
