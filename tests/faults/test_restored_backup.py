"""A backup that was made before messages were sent is restored: nothing of it is sent again by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connections.models import SandboxMessage, SitePulse, WhatsAppConnection
from connections.services import holds
from core.clock import now
from messaging.models import Conversation, Message
from messaging.outbox import queue
from tests.connections.driver_contract import until
from tests.faults.conftest import Watch, Workers

pytestmark = [pytest.mark.services, pytest.mark.slow]


def test_an_old_backup_sends_nothing_until_a_person_says_so(
    worker: Workers, linked: WhatsAppConnection, talks: list[Conversation]
) -> None:
    sent = [queue.enqueue(talk.business_profile, talk, text="Before the backup") for talk in talks]
    backup = {row.pk: row for row in Message.objects.filter(pk__in=[one.pk for one in sent])}
    first = worker()
    Watch(sent).until_all("read")
    first.kill()
    first.wait(10)

    for row in backup.values():
        row.save()
    SitePulse.objects.update(beat_at=now() - timedelta(hours=8))
    worker()
    until(lambda: Message.objects.filter(origin="phone").count() == len(sent), "what the phone has")

    linked.refresh_from_db()
    assert linked.held_since
    assert set(Message.objects.filter(pk__in=backup).values_list("status", flat=True)) == {"queued"}
    assert set(SandboxMessage.objects.filter(from_me=True).values_list("attempts", flat=True)) == {1}
    assert SandboxMessage.objects.filter(from_me=True).count() == len(sent)

    holds.release(linked, None, send=False)
    fresh = queue.enqueue(talks[0].business_profile, talks[0], text="After it")
    Watch([fresh]).until_all("read")
    assert SandboxMessage.objects.filter(from_me=True).count() == len(sent) + 1
