"""Measurements inside a process of the project: `python -m tests.benchmarks.inside NAME JSON`, answers JSON.

A process of its own, because settings are read once: the caller gives the place by the environment.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.db import connection as database  # noqa: E402
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402

from accounts.models import BusinessProfile, Membership, User  # noqa: E402
from connections import leases  # noqa: E402
from connections.drivers.base import Chat, InboundMessage, MessageKind  # noqa: E402
from connections.models import SandboxCustomer, WhatsAppConnection  # noqa: E402
from core.clock import now  # noqa: E402
from core.db import bulk  # noqa: E402
from core.ids import uuid7  # noqa: E402
from core.realtime import hub  # noqa: E402
from messaging.inbound import receiver  # noqa: E402
from messaging.inbox import keyset, selectors  # noqa: E402
from messaging.models import Conversation, Message  # noqa: E402
from messaging.outbox import dispatch  # noqa: E402
from tests.benchmarks import campaigns, webhooks  # noqa: E402
from tests.benchmarks import contacts as contact_list  # noqa: E402
from tests.benchmarks.report import median, percentile  # noqa: E402
from whatsflow.demo import build  # noqa: E402


def _business() -> BusinessProfile:
    business = build.find()
    assert business is not None, "manage.py demo comes first"
    return business


def _owner() -> User:
    return User.objects.get(email=build.EMAIL)


def _timed(work: Callable[[], Any]) -> float:
    """Seconds that `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


# -- what others need to know ------------------------------------------------------------------------


def facts() -> dict[str, Any]:
    """Ids for measurements over HTTP: a long conversation, a simulated customer, the number."""
    business = _business()
    number = WhatsAppConnection.objects.get(business_profile=business, name="Shop")
    longest = business.contacts.order_by("-total_messages").first()
    assert longest is not None
    return {
        "business": str(business.pk),
        "owner": str(_owner().pk),
        "connection": str(number.pk),
        "conversation": str(Conversation.objects.get(contact=longest, connection=number).pk),
        "customer": str(SandboxCustomer.objects.filter(phone__connection=number, persona="quiet")[0].pk),
        "messages": longest.total_messages,
    }


def colleagues(count: int) -> dict[str, Any]:
    """The session cookies of so many more members, signed in: one person may not open as many sockets as a team."""
    cookies = []
    for place in range(count):
        user, _ = User.objects.get_or_create(email=f"bench{place}@example.com")
        Membership.objects.get_or_create(business_profile=_business(), user=user, defaults={"role": "agent"})
        client = Client(SERVER_NAME="localhost")
        client.force_login(user)
        cookies.append("; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items()))
    return {"cookies": cookies}


def calm() -> dict[str, Any]:
    """Nobody writes by themselves while we measure."""
    number = WhatsAppConnection.objects.get(business_profile=_business(), name="Shop")
    phone = number.sandbox_phone
    phone.cast_started, phone.speed = True, 0.0
    phone.save(update_fields=["cast_started", "speed", "updated_at"])
    return {}


# -- reading -----------------------------------------------------------------------------------------


def depth(at: int) -> dict[str, Any]:
    """Milliseconds of the list's first page and of the page after `at` conversations."""
    business, owner = _business(), _owner()
    rows = keyset.newest_first(Conversation.objects.filter(business_profile=business), "last_message_at")
    place = min(at, rows.count() - 60)
    row = rows[place]
    cursor = str(keyset.Cursor(row.last_message_at, row.pk))

    def page(before: str | None) -> Callable[[], Any]:
        return lambda: selectors.inbox_page(business, owner, tab="all", before=before)

    first, deep = [], []
    for _ in range(60):
        first.append(_timed(page(None)))
        deep.append(_timed(page(cursor)))
    return {"first": median(first[10:]) * 1000, "deep": median(deep[10:]) * 1000, "at": place}


SEARCHES = (
    "sofia", "garcía", "oliv", "tanaka", "theo", "zara wei", "555", "9993", "88", "4711",
    "blue bowl", "teapot", "hamburg", "CC-1", "invoice", "wheel-throwing", "dishwasher", "chip in the rim",
    "neighbour", "payment link", "catalogue", "terracotta vase", "nothing like this", "wonderful summary", "40%",
)  # fmt: skip


def search(rounds: int) -> dict[str, Any]:
    """p95 of a search over names, numbers and texts, in milliseconds, and the slowest word."""
    business, owner = _business(), _owner()
    times: list[tuple[float, str]] = []
    for number in range(rounds + 1):
        for text in SEARCHES:
            taken = _timed(lambda text=text: selectors.inbox_page(business, owner, search=text))
            if number:
                times.append((taken * 1000, text))
    return {
        "p95": percentile([taken for taken, _ in times], 0.95),
        "slowest": max(times)[1],
        "max": max(times)[0],
    }


# -- writing -----------------------------------------------------------------------------------------


UNPACED = {"pacing": {"enabled": False, "marketing_hours": 0}}
"""A number's settings with which nothing but the code holds campaigns up."""


def numbers(count: int) -> dict[str, Any]:
    """More numbers of the business, for measurements that hold their leases."""
    business, mode = _business(), WhatsAppConnection.Mode.SANDBOX
    made = [
        WhatsAppConnection.objects.create(
            business_profile=business, connection_mode=mode, name="Benchmark", settings=UNPACED
        )
        for _ in range(count)
    ]
    return {"connections": [str(one.pk) for one in made]}


def remove(connections: list[str]) -> dict[str, Any]:
    """Take the extra numbers away again, with what they received."""
    for key in connections:
        bulk.delete_rows(Message.objects.filter(connection_id=key))
        Conversation.objects.filter(connection_id=key).delete()
        WhatsAppConnection.objects.filter(pk=key).delete()
    return {}


def inbound(connection: str, seconds: float, batch: int, people: int) -> dict[str, Any]:
    """Messages a second that this process stores, `batch` a transaction, as a runner does."""
    lease = leases.acquire(uuid7().__class__(connection), f"bench-{uuid7()}")
    assert lease is not None
    stored, warm = 0, 5
    begin = time.perf_counter()
    while warm or time.perf_counter() - begin < seconds:
        letters = [_letter(connection, stored + place, people) for place in range(batch)]
        stored += receiver.receive(lease, letters)
        leases.renew(lease)
        if warm:  # templates and numbering plans are read at the first messages
            warm, stored, begin = warm - 1, 0, time.perf_counter()
    rate = stored / (time.perf_counter() - begin)
    leases.release(lease)
    return {"rate": rate}


def _letter(connection: str, number: int, people: int) -> InboundMessage:
    return InboundMessage(
        wa_id=f"BENCH{uuid7().hex.upper()}",
        chat=Chat(phone=f"+9995{int(connection[-4:], 16):05d}{number % people:05d}"),
        kind=MessageKind.TEXT,
        at=now(),
        body=f"Is the blue bowl of order CC-{number} still there?",
        push_name="Somebody",
    )


def inserts(seconds: float) -> dict[str, Any]:
    """Plain rows a second: one INSERT a transaction into a table like pgbench's history."""
    begin, count = time.perf_counter(), 0
    with database.cursor() as cursor:
        while time.perf_counter() - begin < seconds:
            cursor.execute(
                "INSERT INTO bench_inserts (tid, bid, aid, delta, mtime, filler) "
                "VALUES (%s, %s, %s, %s, CURRENT_TIMESTAMP, %s)",
                [count, 1, count, 1, "x" * 20],
            )
            count += 1
    return {"rate": count / (time.perf_counter() - begin)}


def plain_table(there: bool) -> dict[str, Any]:
    """Make, or drop, the table of `inserts`."""
    with database.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_inserts")
        if there:
            cursor.execute(
                "CREATE TABLE bench_inserts (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))"
            )
    return {}


def claim(connection: str, rows: int) -> dict[str, Any]:
    """Rows a second that a runner claims from its outbox, 100 a statement."""
    business = _business()
    _fill_outbox(business, connection, rows)
    lease = leases.acquire(uuid7().__class__(connection), f"bench-{uuid7()}")
    assert lease is not None
    claimed, spent, statements = 0, 0.0, 0
    while claimed < rows:
        begin = time.perf_counter()
        taken = len(dispatch.claim(lease, 100))
        spent += time.perf_counter() - begin
        statements += 1
        if not taken:
            break
        claimed += taken
        leases.renew(lease)
    leases.release(lease)
    return {"rate": claimed / spent, "claimed": claimed, "statements": statements}


def _fill_outbox(business: BusinessProfile, connection: str, rows: int) -> None:
    reachable = business.contacts.filter(opted_out_at=None, blocked_at=None)  # as an audience is
    contacts = list(reachable.values_list("pk", flat=True)[:rows])
    talks = [
        Conversation(business_profile=business, contact_id=contact, connection_id=connection)
        for contact in contacts
    ]
    with transaction.atomic():
        Conversation.objects.bulk_create(talks, batch_size=1000)
        waiting = [
            Message(
                business_profile=business,
                contact_id=talks[place % len(talks)].contact_id,
                conversation=talks[place % len(talks)],
                connection_id=connection,
                direction="outbound",
                message_type="text",
                content="Your order is ready.",
                status="queued",
                origin="campaign",
                priority=20,
                expires_at=now() + timedelta(hours=1),
            )
            for place in range(rows)
        ]
        Message.objects.bulk_create(waiting, batch_size=1000)
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("ANALYZE messages, conversations")


# -- live --------------------------------------------------------------------------------------------


def push(business: str, count: int, pause: float, size: int) -> dict[str, Any]:
    """Push `count` frames of `size` bytes; each carries the monotonic time at which it was handed over."""
    hub.push(hub.business_group(business), {"type": "warm"})
    time.sleep(0.3)
    filler = "x" * size
    for number in range(count):
        frame = {"type": "bench", "number": number, "at": time.monotonic(), "html": filler}
        hub.push(hub.business_group(business), frame)
        if pause:
            time.sleep(pause)
    time.sleep(1)  # what goes out goes out by a thread of this process
    return {}


# -- contacts ----------------------------------------------------------------------------------------


def contact_pages(rounds: int) -> dict[str, Any]:
    """The list of contacts: first pages, searches, tags."""
    return contact_list.pages(_business(), _owner(), rounds)


def contact_depth(at: int) -> dict[str, Any]:
    """The list of contacts behind `at` of them."""
    return contact_list.depth(_business(), at)


# -- other systems -----------------------------------------------------------------------------------


def deliveries(events: int) -> dict[str, Any]:
    """Webhooks to a receiver that answers at once, beside a bare client."""
    return webhooks.deliveries(_business(), events)


def neighbours(seconds: float) -> dict[str, Any]:
    """What an endpoint that misbehaves does to another one."""
    return webhooks.neighbours(_business(), seconds)


# -- campaigns ---------------------------------------------------------------------------------------


def campaign_freeze() -> dict[str, Any]:
    """Seconds of the freeze of everybody, beside a bare INSERT ... SELECT."""
    return campaigns.frozen(_business())


def campaign_engine(people: int) -> dict[str, Any]:
    """Messages a second without pacing, the database's share, and the campaign's page meanwhile."""
    return campaigns.engine(_business(), people)


def campaign_drive(key: str) -> dict[str, Any]:
    """Drive the number with this id until SIGTERM."""
    return campaigns.drive(key)


def campaign_clear() -> dict[str, Any]:
    """Take away what the engine made."""
    campaigns.clear(_business())
    return {}


MEASUREMENTS: dict[str, Callable[..., dict[str, Any]]] = {
    one.__name__: one
    for one in (
        *(
            facts,
            colleagues,
            calm,
            depth,
            search,
            numbers,
            remove,
            inbound,
            inserts,
            plain_table,
            claim,
            push,
        ),
        *(deliveries, neighbours, contact_pages, contact_depth),
        *(campaign_freeze, campaign_engine, campaign_drive, campaign_clear),
    )
}

if __name__ == "__main__":
    print(json.dumps(MEASUREMENTS[sys.argv[1]](**json.loads(sys.argv[2]))))
