"""The list of contacts inside a process of the project: pages of the server, beside bare SQL for the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection as database
from django.db.models import Count
from django.test import Client

from accounts.models import BusinessProfile, User
from contacts.filters.contact_filter import ContactFilter
from contacts.list import pagination
from contacts.models import Contact, Tag
from tests.benchmarks.report import median, percentile

NAMES = ("sofia", "garcía", "oliv", "tanaka", "wei", "müller", "ann", "lopes", "zzyzx", "son")
WHOLE = "page"
NUMBERS = ("555", "9993", "88 12", "4711", "0170 12", "345670", "99931", "12-34", "777", "123")


def pages(business: BusinessProfile, owner: User, rounds: int) -> dict[str, Any]:
    """p95 of each kind of page, through middleware, view and templates, and of bare SQL for its rows; milliseconds."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(owner)
    tags = list(Tag.objects.filter(business_profile=business).annotate(n=Count("contact_tags")).order_by("n"))
    kinds: dict[str, list[tuple[str, Callable[[], Any]]]] = {
        WHOLE: [("", lambda: _list(business))] * 4,
        "list": [("", lambda: _list(business))] * 4,
        "by name": [(f"?q={text}", lambda text=text: _names(business, text)) for text in NAMES],
        "by number": [(f"?q={text}", lambda text=text: _numbers(business, text)) for text in NUMBERS],
        "by tag": [(f"?tags_any={tag.pk}", lambda tag=tag: _tagged(business, tag)) for tag in tags],
    }
    found = {}
    for name, ways in kinds.items():
        taken, bare = [], []
        for number in range(rounds + 1):
            for query, sql in ways:
                partial = name != WHOLE
                page = _timed(lambda query=query, partial=partial: _get(client, query, partial=partial))
                rows = _timed(sql)
                if number:
                    taken.append(page)
                    bare.append(rows)
        found[name] = {
            "page": percentile(taken, 0.95),
            "bare": percentile(bare, 0.95),
            "median": median(taken),
        }
    return found


def depth(business: BusinessProfile, at: int) -> dict[str, Any]:
    """Milliseconds of the first page and of the page behind `at` contacts, for each order."""
    found = {}
    everybody = Contact.objects.filter(business_profile=business)
    place = min(at, everybody.count() - 60)
    for sort in pagination.SORTS:
        (stretch, *_) = pagination._stretches(everybody, sort, None)
        row = stretch[min(place, stretch.count() - 60)]
        after = str(pagination._place(row, sort))
        first, deep = [], []
        for _ in range(40):
            first.append(_timed(lambda sort=sort: pagination.page(business, ContactFilter(), sort=sort)))
            deep.append(
                _timed(
                    lambda sort=sort, after=after: pagination.page(
                        business, ContactFilter(), sort=sort, after=after
                    )
                )
            )
        found[sort] = {"first": median(first[10:]), "deep": median(deep[10:])}
    return {"at": place, "sorts": found}


def _timed(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def _get(client: Client, query: str, *, partial: bool) -> None:
    """The rows that htmx fetches while somebody types or filters; else the page with all that stands around them."""
    response = client.get(f"/contacts/{query}", headers={"HX-Request": "true"} if partial else None)
    assert response.status_code == 200, response.status_code


COLUMNS = (
    "id, name, push_name, phone_number, email, country, metadata, last_message_at, opted_out_at, blocked_at"
)
ORDER = "ORDER BY last_message_at DESC, id DESC LIMIT 51"


def _bare(sql: str, parameters: list[Any]) -> None:
    with database.cursor() as cursor:
        cursor.execute(sql, parameters)
        cursor.fetchall()


def _key(row: Any) -> Any:
    return row.pk if database.vendor == "postgresql" else row.pk.hex


def _list(business: BusinessProfile) -> None:
    _bare(f"SELECT {COLUMNS} FROM contacts WHERE business_profile_id = %s {ORDER}", [_key(business)])


def _names(business: BusinessProfile, text: str) -> None:
    like = f"%{text.upper()}%"
    _bare(
        f"SELECT {COLUMNS} FROM contacts WHERE business_profile_id = %s "
        f"AND (UPPER(name) LIKE %s OR UPPER(push_name) LIKE %s) {ORDER}",
        [_key(business), like, like],
    )


def _numbers(business: BusinessProfile, text: str) -> None:
    digits = "".join(letter for letter in text if letter.isdigit()).lstrip("0")
    sql = f"SELECT {COLUMNS} FROM contacts WHERE business_profile_id = %s AND phone_number LIKE %s {ORDER}"
    _bare(sql, [_key(business), f"%{digits}%"])


def _tagged(business: BusinessProfile, tag: Tag) -> None:
    _bare(
        f"SELECT {COLUMNS} FROM contacts WHERE business_profile_id = %s AND EXISTS "
        f"(SELECT 1 FROM contact_tags t WHERE t.contact_id = contacts.id AND t.tag_id = %s) {ORDER}",
        [_key(business), _key(tag)],
    )
