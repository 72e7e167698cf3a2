"""Events: inside subscribers share the transaction, after subscribers cannot harm it."""

from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.db import transaction

from accounts.models import User
from core import events
from tests.factories import UserFactory


@dataclass(frozen=True, kw_only=True)
class Happened(events.Event):
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class AlsoHappened(Happened):
    """A subclass is an event of its own."""


@pytest.fixture(autouse=True)
def _fresh_subscribers(monkeypatch):
    """Subscribers of one test are gone in the next."""
    for name in ("_inside", "_after"):
        monkeypatch.setattr(events, name, events.defaultdict(list))


@pytest.fixture
def seen():
    return []


def happened(*numbers):
    return [Happened(business_id=uuid4(), number=number) for number in numbers]


def numbers(batch):
    return [event.number for event in batch]


def change(*, accident=False):
    """A service: it makes a row, publishes, and may stumble before it is done."""
    with transaction.atomic():
        UserFactory()
        events.publish(*happened(1))
        if accident:
            raise ZeroDivisionError


@pytest.mark.django_db(transaction=True)
def test_inside_runs_at_once_and_after_on_commit(seen):
    events.inside(Happened, lambda batch: seen.append(("inside", numbers(batch))))
    events.after(Happened, lambda batch: seen.append(("after", numbers(batch))))
    with transaction.atomic():
        events.publish(*happened(1, 2))
        seen.append("still inside")
    assert seen == [("inside", [1, 2]), "still inside", ("after", [1, 2])]


@pytest.mark.django_db(transaction=True)
def test_an_error_inside_takes_the_change_back():
    def refuse(batch):
        raise RuntimeError("no")

    events.inside(Happened, refuse)
    with pytest.raises(RuntimeError):
        change()
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_an_inside_subscriber_writes_goes_with_the_change():
    events.inside(Happened, lambda batch: UserFactory(email="inside@example.com"))
    with pytest.raises(ZeroDivisionError):
        change(accident=True)
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_taken_back_is_announced_to_nobody(seen):
    events.after(Happened, seen.append)
    with pytest.raises(ZeroDivisionError):
        change(accident=True)
    assert seen == []


@pytest.mark.django_db(transaction=True)
def test_an_error_after_stops_nobody_else(seen, caplog):
    def fail(batch):
        raise RuntimeError("live updates are down")

    events.after(Happened, fail)
    events.after(Happened, lambda batch: seen.append(numbers(batch)))
    with transaction.atomic():
        UserFactory()
        events.publish(*happened(1))
    assert seen == [[1]]
    assert User.objects.count() == 1
    assert "event_subscriber_failed" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_publishing_outside_of_a_transaction_is_refused(seen):
    events.inside(Happened, seen.append)
    with pytest.raises(RuntimeError, match="inside the transaction"):
        events.publish(*happened(1))
    assert seen == []


@pytest.mark.django_db
def test_nothing_published_needs_no_transaction():
    events.publish()


@pytest.mark.django_db(transaction=True)
def test_a_batch_holds_one_class_in_order(seen):
    events.inside(Happened, lambda batch: seen.append(numbers(batch)))
    events.inside(AlsoHappened, lambda batch: seen.append(numbers(batch)))
    with transaction.atomic():
        first, second = happened(1, 3)
        events.publish(first, AlsoHappened(business_id=uuid4(), number=2), second)
    assert seen == [[1, 3], [2]]


@pytest.mark.django_db(transaction=True)
def test_subscribing_twice_is_subscribing_once(seen):
    events.inside(Happened, seen.append)
    events.inside(Happened, seen.append)
    with transaction.atomic():
        events.publish(*happened(1))
    assert len(seen) == 1


@pytest.mark.django_db(transaction=True)
def test_an_inside_subscriber_may_publish_in_turn(seen):
    also = AlsoHappened(business_id=uuid4(), number=2)
    events.inside(Happened, lambda batch: events.publish(also))
    events.after(AlsoHappened, lambda batch: seen.append(numbers(batch)))
    with transaction.atomic():
        events.publish(*happened(1))
    assert seen == [[2]]


def test_an_event_cannot_be_changed():
    with pytest.raises(AttributeError):
        happened(1)[0].number = 2
