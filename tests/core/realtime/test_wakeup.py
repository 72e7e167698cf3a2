"""Waking those who wait for work."""

import os
import subprocess
import sys
import threading
import time
from uuid import uuid4

import pytest
from django.conf import settings

from core.realtime import wakeup

pytestmark = pytest.mark.services


def test_a_wakeup_reaches_who_listens() -> None:
    topic = wakeup.connection_topic(uuid4())
    with wakeup.listen(topic) as listener:
        threading.Timer(0.05, wakeup.notify, [topic]).start()
        assert listener.wait(10) is True


def test_a_wakeup_before_the_wait_is_kept_once() -> None:
    topic = wakeup.connection_topic(uuid4())
    with wakeup.listen(topic) as listener:
        listener.notify()
        listener.notify()
        assert listener.wait(10) is True


def test_other_topics_do_not_wake() -> None:
    with wakeup.listen(f"quiet.{uuid4().hex}") as listener:
        if not settings.EMBEDDED:
            listener.wait(0.5)  # a new subscription notifies once, in case something was missed
        wakeup.notify(f"loud.{uuid4().hex}")
        assert listener.wait(0.1) is False


def test_every_listener_of_a_topic_is_woken() -> None:
    topic = f"all.{uuid4().hex}"
    with wakeup.listen(topic) as first, wakeup.listen(topic) as second:
        wakeup.notify(topic)
        assert first.wait(10)
        assert second.wait(10)


def test_nothing_is_left_of_a_listener_that_was_closed() -> None:
    topic = f"gone.{uuid4().hex}"
    with wakeup.listen(topic):
        assert topic in wakeup._listeners
    assert topic not in wakeup._listeners
    wakeup.notify(topic)


def test_topics_are_the_same_for_both_spellings_of_an_id() -> None:
    id_ = uuid4()
    assert wakeup.connection_topic(id_) == wakeup.connection_topic(str(id_))


NOTIFY = "import django; django.setup(); from core.realtime import wakeup; wakeup.notify('{topic}'); {wait}"


def test_another_process_wakes(require_redis: str) -> None:
    topic = f"far.{uuid4().hex}"
    code = NOTIFY.format(topic=topic, wait="import time; time.sleep(1)")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with wakeup.listen(topic) as listener:
        listener.wait(1)
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
        assert listener.wait(10) is True


def test_notifying_without_redis_neither_waits_nor_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.realtime import bus

    monkeypatch.setattr(settings, "EMBEDDED", False)
    away = bus.Publisher("redis://127.0.0.1:1/0", capacity=5)
    monkeypatch.setattr(bus, "publisher", lambda: away)
    before = time.perf_counter()
    for _ in range(100):
        wakeup.notify("nobody")
    assert time.perf_counter() - before < 1
