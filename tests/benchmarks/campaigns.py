"""Campaigns inside a process of the project: the freeze beside a bare INSERT, and the engine without pacing.

Imported by `inside` once Django is set up.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.db.backends.utils import CursorWrapper
from django.test import Client
from django.urls import reverse

from accounts.models import BusinessProfile
from campaigns import subscriptions
from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import audience_snapshot, drafts, lifecycle, outbox_feeder, recipient_lists
from connections.models import SandboxCustomer, SandboxPhone, WhatsAppConnection
from contacts.models import Contact
from core import shutdown
from core.clock import now
from core.db import bulk
from core.ids import uuid7
from messaging.runner.capacity import run_here
from tests.benchmarks.report import median, percentile
from whatsflow.runtime.roles import load_urls

UNPACED = {"pacing": {"enabled": False, "marketing_hours": 0}}
_BARE = """
INSERT INTO bare_recipients (id, campaign_id, contact_id, status, reason, error_message, variant, created_at)
SELECT gen_random_uuid(), %s, id, 'pending', '', '', '', now() FROM contacts WHERE business_profile_id = %s
"""


def frozen(business: BusinessProfile, rounds: int = 5) -> dict[str, Any]:
    """Seconds of the freeze of everybody, and of a bare INSERT ... SELECT of the same rows without keys."""
    campaign = drafts.create(business, None, {"name": "Benchmark", "message_content": "Hello"})
    ours, bare, rows = [], [], 0
    for _ in range(rounds):
        with transaction.atomic():
            begin = time.perf_counter()
            rows = sum(audience_snapshot.take(campaign, now()).values())
            ours.append(time.perf_counter() - begin)
            transaction.set_rollback(True)
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute("CREATE TABLE bare_recipients (LIKE campaign_recipients INCLUDING DEFAULTS)")
            begin = time.perf_counter()
            cursor.execute(_BARE, [campaign.pk, business.pk])
            bare.append(time.perf_counter() - begin)
            transaction.set_rollback(True)
    campaign.delete()
    return {"seconds": median(ours), "bare": median(bare), "rows": rows}


def engine(business: BusinessProfile, people: int) -> dict[str, Any]:
    """Messages a second from the ledger to the simulated phone and back, and the campaign's page meanwhile.

    As in production the number has a process of its own (`drive`); this one feeds it.
    """
    subscriptions._send_task = lambda task, key: None
    number, made = _number(business), list(_crowd(business, people))
    _customers(number.sandbox_phone, made)
    campaign = drafts.create(
        business,
        None,
        {"name": "Benchmark", "message_content": "Hello {{name|there}}", "connections": [number]},
    )
    with transaction.atomic():
        recipient_lists.replace(campaign, [one.pk for one in made])
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.inside",
        "campaign_drive",
        json.dumps({"key": str(number.pk)}),
    ]
    runner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    _until(lambda: WhatsAppConnection.objects.filter(pk=number.pk, status="connected").exists())
    lifecycle.launch(business, campaign, None)
    pages: list[float] = []
    begin = time.perf_counter()
    _run(campaign, business, pages)
    seconds = time.perf_counter() - begin
    runner.terminate()
    waited: float = json.loads(runner.communicate(timeout=60)[0])["waited"]
    sent = CampaignRecipient.objects.filter(campaign=campaign, sent_at__isnull=False).count()
    return {
        "rate": sent / seconds,
        "sent": sent,
        "share": waited / seconds,
        "page": percentile(pages, 0.95) if pages else 0.0,
    }


def drive(key: str) -> dict[str, Any]:
    """Drive a number until SIGTERM. waited: seconds that its statements took while something was sent."""
    subscriptions._send_task = lambda task, key: None
    signal.signal(signal.SIGTERM, lambda *_: shutdown.request_stop())
    load_urls()
    with _database_time() as spent:
        run_here(UUID(key))
    return {"waited": spent[0]}


def _run(campaign: Campaign, business: BusinessProfile, pages: list[float]) -> None:
    """Feed as often as a process does, until nothing is open, and look at the page every now and then."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(business.user)
    address, looked = reverse("campaigns:detail", args=[campaign.pk]), 0.0
    client.get(address)  # templates are read with the first one
    while Campaign.objects.filter(pk=campaign.pk, open_count__gt=0).exists():
        outbox_feeder.feed(campaign.pk)
        if time.perf_counter() - looked > 1.0:
            looked = time.perf_counter()
            answer = client.get(address)
            assert answer.status_code == 200, answer.status_code
            pages.append((time.perf_counter() - looked) * 1000)
        time.sleep(subscriptions.FEED_INTERVAL)


@contextmanager
def _database_time() -> Iterator[list[float]]:
    """Seconds that this process's threads wait for statements, added up."""
    spent, real = [0.0], CursorWrapper._execute

    def timed(self: Any, *arguments: Any) -> Any:
        begin = time.perf_counter()
        try:
            return real(self, *arguments)
        finally:
            spent[0] += time.perf_counter() - begin

    CursorWrapper._execute = timed
    try:
        yield spent
    finally:
        CursorWrapper._execute = real


def _number(business: BusinessProfile) -> WhatsAppConnection:
    number = WhatsAppConnection.objects.create(
        business_profile=business,
        connection_mode=WhatsAppConnection.Mode.SANDBOX,
        name="Benchmark",
        phone_number="+9991999999999",
        session_data="linked",
        desired=WhatsAppConnection.Desired.ONLINE,
        settings=UNPACED,
    )
    SandboxPhone.objects.create(
        connection=number, number=number.phone_number, speed=0.0, linked_secret="linked", cast_started=True
    )
    return number


def _crowd(business: BusinessProfile, people: int) -> Iterator[Contact]:
    rows = [
        Contact(business_profile=business, phone_number=f"+99966{place:06d}1", name=f"Person {place}")
        for place in range(people)
    ]
    return iter(Contact.objects.bulk_create(rows, batch_size=1000))


def _customers(phone: SandboxPhone, people: list[Contact]) -> None:
    rows = [
        SandboxCustomer(
            id=uuid7(),
            phone=phone,
            name=one.name,
            number=one.phone_number or "",
            lid=f"66{place:012d}",
            persona="quiet",
        )
        for place, one in enumerate(people)
    ]
    SandboxCustomer.objects.bulk_create(rows, batch_size=1000)


def _until(reached: Any) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        if time.monotonic() > deadline:
            raise RuntimeError("It did not happen within a minute")
        time.sleep(0.05)


def clear(business: BusinessProfile) -> None:
    """Take away what `engine` made."""
    for campaign in Campaign.objects.filter(business_profile=business, name="Benchmark"):
        bulk.delete_rows(campaign.recipients.all())
        campaign.delete()
    WhatsAppConnection.objects.filter(business_profile=business, phone_number="+9991999999999").delete()
    Contact.objects.filter(business_profile=business, phone_number__startswith="+99966").delete()
