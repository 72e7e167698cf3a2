"""Old data must not send: numbers are held until a person decides, and then do as they were told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, BusinessProfile, User
from connections import leases
from connections.models import SitePulse, WhatsAppConnection
from connections.services import holds
from connections.services.holds import Pulse
from core.clock import now
from core.errors import Conflict
from messaging.models import Conversation, Message
from messaging.outbox import dispatch
from tests import factories
from tests.messaging.helpers import queue

pytestmark = pytest.mark.services

ClientOf = Callable[..., Client]


def last_in_use(minutes: float) -> None:
    """The data was in use so many minutes ago, and by no process since."""
    SitePulse.objects.update_or_create(pk=1, defaults={"beat_at": now() - timedelta(minutes=minutes)})


def beaten_again(pulse: Pulse) -> list[object]:
    """What a later beat of the same process holds."""
    pulse._checked_at -= holds.BEAT_SECONDS
    return list(pulse.beat())


@pytest.fixture
def waiting(conversation: Conversation) -> Message:
    return queue(conversation, "See you at nine")


@pytest.fixture
def held(connection: WhatsAppConnection, waiting: Message) -> WhatsAppConnection:
    holds.hold_all(now())
    connection.refresh_from_db()
    assert connection.held_since
    return connection


def test_data_that_is_in_use_holds_nothing(connection: WhatsAppConnection, waiting: Message) -> None:
    assert Pulse().beat() == []
    last_in_use(minutes=50)
    assert Pulse().beat() == []
    assert SitePulse.objects.get().beat_at > now() - timedelta(minutes=1)


def test_old_data_holds_the_numbers_that_have_something_waiting(
    business: BusinessProfile, connection: WhatsAppConnection, waiting: Message
) -> None:
    idle = factories.ConnectionFactory(business_profile=business)
    last_in_use(minutes=61)
    assert Pulse().beat() == [connection.pk]
    idle.refresh_from_db()
    assert idle.held_since is None
    lease = leases.acquire(connection.pk, "runner")
    assert lease is not None
    assert dispatch.claim(lease, 10) == []
    assert dispatch.seconds_until_due(lease) is None


def test_what_was_claimed_before_a_hold_is_not_begun(
    connection: WhatsAppConnection, waiting: Message
) -> None:
    lease = leases.acquire(connection.pk, "runner")
    assert lease is not None
    (claimed,) = dispatch.claim(lease, 10)
    holds.hold_all(now())
    assert dispatch.begin(lease, [replace(claimed, wa_id="OUT1")]) == []
    waiting.refresh_from_db()
    assert (waiting.status, waiting.whatsapp_message_id) == ("queued", None)


def test_only_the_first_process_of_a_start_looks_at_the_age(
    connection: WhatsAppConnection, waiting: Message
) -> None:
    last_in_use(minutes=600)
    assert Pulse().beat() == [connection.pk]
    holds.release(connection, None, send=True)
    assert Pulse().beat() == []


def test_a_backup_restored_under_a_running_process_is_noticed(
    connection: WhatsAppConnection, waiting: Message
) -> None:
    pulse = Pulse()
    assert pulse.beat() == []
    assert beaten_again(pulse) == []
    last_in_use(minutes=2)
    assert beaten_again(pulse) == [connection.pk]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_jump_of_the_machines_clock_holds_nothing(
    connection: WhatsAppConnection, waiting: Message, hours: int
) -> None:
    pulse = Pulse()
    pulse.beat()
    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        assert beaten_again(pulse) == []
        assert Pulse().beat() == []


def test_it_can_be_switched_off(connection: WhatsAppConnection, waiting: Message, settings) -> None:
    settings.HOLD_AFTER_MINUTES = 0
    last_in_use(minutes=600)
    assert Pulse().beat() == []


def test_an_operator_holds_by_hand(connection: WhatsAppConnection, waiting: Message, capsys) -> None:
    call_command("hold")
    assert "1 number held" in capsys.readouterr().out
    connection.refresh_from_db()
    assert connection.held_since


def test_what_waited_is_cancelled_and_what_was_written_since_leaves(
    held: WhatsAppConnection, waiting: Message, conversation: Conversation, owner: User
) -> None:
    later = queue(conversation, "Written while on hold")
    holds.release(held, owner, send=False)
    waiting.refresh_from_db()
    assert waiting.status == "cancelled"
    lease = leases.acquire(held.pk, "runner")
    assert lease is not None
    assert [one.message_id for one in dispatch.claim(lease, 10)] == [later.pk]
    entry = AuditEntry.objects.get(action="connection.released")
    assert (entry.actor_id, entry.data) == (owner.pk, {"sent": False})


def test_what_waited_leaves_when_a_person_says_so(
    held: WhatsAppConnection, waiting: Message, owner: User
) -> None:
    holds.release(held, owner, send=True)
    lease = leases.acquire(held.pk, "runner")
    assert lease is not None
    assert [one.message_id for one in dispatch.claim(lease, 10)] == [waiting.pk]
    with pytest.raises(Conflict):
        holds.release(held, owner, send=True)


def test_the_pages_say_so_and_offer_the_choice(
    held: WhatsAppConnection,
    waiting: Message,
    conversation: Conversation,
    owner: User,
    teammate: User,
    client_of: ClientOf,
) -> None:
    page = f"/connections/{held.pk}/"
    html = client_of(owner).get(page).content.decode()
    assert "On hold" in html
    assert "1 message waits" in html
    assert "Cancel what waits" in html
    theirs = client_of(teammate)
    assert "Cancel what waits" not in theirs.get(page).content.decode()
    assert theirs.post(f"{page}release/", {"send": "yes"}).status_code == 403
    chat = theirs.get(f"/inbox/{conversation.pk}/").content.decode()
    assert "Nothing leaves until somebody decides" in chat

    client_of(owner).post(f"{page}release/", {"send": "no"})

    waiting.refresh_from_db()
    assert waiting.status == "cancelled"
    assert "On hold" not in client_of(owner).get(page).content.decode()


def test_the_page_tells_what_happened_to_the_number(
    connection: WhatsAppConnection, owner: User, client_of: ClientOf
) -> None:
    client, page = client_of(owner), f"/connections/{connection.pk}/"
    client.post(f"{page}disconnect/")
    client.post(f"{page}disconnect/")
    client.post(f"{page}connect/")
    html = client.get(page).content.decode()
    told = html.partition("What happened to this number")[2]
    assert told.count("<li>") == 2
    assert told.index("Starting") < told.index("Disconnected")
