"""The broker of the embedded default."""

import threading
import time

import pytest
from kombu import Connection, Consumer, Producer, Queue

from whatsflow import inprocess_broker


def _drain(connection: Connection, timeout: float) -> None:
    connection.drain_events(timeout=timeout)


def test_a_message_wakes_the_consumer_at_once() -> None:
    got: list[tuple[str, float]] = []
    queue = Queue("wake-test")
    with Connection("inproc://localhost") as connection, connection.channel() as channel:
        with Consumer(
            channel,
            [queue],
            callbacks=[lambda body, message: got.append((body, time.monotonic()))],
            no_ack=True,
        ):
            threading.Timer(0.1, lambda: _publish("wake-test", "hello")).start()
            before = time.monotonic()
            _drain(connection, 5)
    assert [body for body, _ in got] == ["hello"]
    assert got[0][1] - before < 0.9  # memory:// would have looked again after a second


def _publish(name: str, body: str) -> None:
    with Connection("inproc://localhost") as connection, connection.channel() as channel:
        Producer(channel).publish(body, routing_key=name, declare=[Queue(name)])


def test_draining_an_empty_queue_times_out() -> None:
    with Connection("inproc://localhost") as connection, connection.channel() as channel:
        with Consumer(channel, [Queue("empty-test")], callbacks=[lambda *_: None]):
            with pytest.raises(TimeoutError):
                _drain(connection, 0.05)


def test_a_consumer_that_is_woken_returns() -> None:
    with Connection("inproc://localhost") as connection, connection.channel() as channel:
        with Consumer(channel, [Queue("woken-test")], callbacks=[lambda *_: None]):
            threading.Timer(0.1, inprocess_broker.interrupt_consumers).start()
            before = time.monotonic()
            with pytest.raises(TimeoutError):
                _drain(connection, 30)
    assert time.monotonic() - before < 10


def test_two_consumers_share_the_work_and_lose_none() -> None:
    got: list[str] = []
    wanted = 400

    def consume() -> None:
        with Connection("inproc://localhost") as connection, connection.channel() as channel:
            with Consumer(
                channel,
                [Queue("share-test")],
                callbacks=[lambda body, message: got.append(body)],
                no_ack=True,
                prefetch_count=1,
            ):
                deadline = time.monotonic() + 20
                while len(got) < wanted and time.monotonic() < deadline:
                    try:
                        _drain(connection, 0.2)
                    except TimeoutError:
                        continue

    consumers = [threading.Thread(target=consume) for _ in range(2)]
    for consumer in consumers:
        consumer.start()
    for number in range(wanted):
        _publish("share-test", str(number))
    for consumer in consumers:
        consumer.join(30)
    assert sorted(got, key=int) == [str(number) for number in range(wanted)]
