"""SIGKILL of real workers while a gap cannot be healed: nobody forgets where it began."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from connections.models import WhatsAppConnection
from connections.services import sandbox
from messaging.models import Message
from tests import factories
from tests.connections.driver_contract import until
from tests.connections.live import is_connected
from tests.faults.conftest import Workers

pytestmark = [pytest.mark.services, pytest.mark.slow]


def test_workers_killed_before_the_chats_could_be_read_leave_the_gap_to_the_next(
    worker: Workers, linked: WhatsAppConnection
) -> None:
    began = timezone.now() - timedelta(hours=3)
    linked.inbound_cursor = {"caught_up_at": began.isoformat()}
    linked.save()
    customer = factories.SandboxCustomerFactory(phone=linked.sandbox_phone, number="+9992000000099")
    sandbox.set_faults(linked, lose_events=1, fail_history=10_000)
    sandbox.write_as(customer, None, "missed")
    for text in ("one", "two"):
        victim = worker()
        is_connected(linked)

        def failed() -> bool:
            linked.refresh_from_db()
            return linked.gap_reason == "history_failed"

        until(failed, "the failure")
        sandbox.write_as(customer, None, text)
        until(lambda text=text: Message.objects.filter(content=text).exists(), text)  # type: ignore[misc]
        victim.kill()
        victim.wait()
        linked.refresh_from_db()
        assert linked.gap_since == began
        WhatsAppConnection.objects.filter(pk=linked.pk).update(gap_reason="")
    assert not Message.objects.filter(content="missed").exists()

    sandbox.set_faults(linked, fail_history=0)
    worker()
    until(lambda: Message.objects.filter(content="missed").exists(), "the missed message")

    def whole() -> bool:
        linked.refresh_from_db()
        return linked.gap_since is None

    until(whole, "the end of the gap")
    assert linked.backfilled_count == 1
    assert Message.objects.filter(content="missed").count() == 1
