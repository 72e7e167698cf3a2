"""Importing contacts, beside the same rows written by hand.

`measure` starts `python -m tests.benchmarks.importing JSON` in the place that is measured: a process of its own, so
that its memory is that of an import and nothing else.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.report import Result
from tests.benchmarks.site import ROOT, Place

POSTGRES_LIMIT = 1.5
SQLITE_LIMIT = 3.0
MEMORY_LIMIT = 200
TURNS = 3


def measure(place: Place, rows: int) -> list[Result]:
    """An import of `rows` people, by a job and by hand, in turn."""
    turns = [
        (_inside(place, name="by_job", rows=rows), _inside(place, name="by_hand", rows=rows))
        for _ in range(TURNS)
    ]
    ours = [job for job, _ in turns]
    best = min(ours, key=lambda one: one["writing"])
    limit = min(hand["seconds"] for _, hand in turns)
    postgres = bool(place.database_url)
    factor = POSTGRES_LIMIT if postgres else SQLITE_LIMIT
    by_hand = "COPY + upsert" if postgres else "executemany"
    where = "PostgreSQL" if postgres else "SQLite"
    name = f"import of {rows:,} on {where}"
    memory = max(one["memory"] for one in ours)
    return [
        Result(
            name, best["writing"], "s", limit, by_hand, f"<= {factor}", best["writing"] <= factor * limit,
            f"the database's part; {best['seconds']:.1f} s as a job, of which reading the file and its numbers "
            f"{best['reading']:.1f} s",
        ),
        Result(f"{name}: reading, validating", best["reading"], "s", note=f"{rows / best['reading']:,.0f} rows/s"),
        Result(f"{name}: memory", memory, "MB", None, "", f"< {MEMORY_LIMIT}", memory < MEMORY_LIMIT, "peak"),
    ]  # fmt: skip


def _inside(place: Place, **arguments: Any) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.importing", json.dumps(arguments)]
    done = subprocess.run(
        command, cwd=ROOT, env=place.environment, stdout=subprocess.PIPE, text=True, timeout=600, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


# -- in the process of the place -------------------------------------------------------------------


def _people(rows: int) -> list[tuple[str, str, str]]:
    """Name, number and e-mail address of so many people."""
    return [
        (f"Customer {number:06d}", f"+4479{number:08d}", f"customer{number}@example.com")
        for number in range(rows)
    ]


def _file(rows: int) -> bytes:
    lines = [f"{name},{number},{email}" for name, number, email in _people(rows)]
    return "\r\n".join(["Name,Phone,E-mail", *lines]).encode()


def _business() -> Any:
    from accounts.models import BusinessProfile, User
    from core.ids import uuid7

    user = User.objects.create_user(
        f"import-{uuid7()}@example.com"
    )  # hashing a password takes 100 MB by itself
    business = BusinessProfile.objects.create(user=user, business_name="Import")
    business.memberships.create(user=user, role="owner")
    return business


def by_job(rows: int) -> dict[str, Any]:
    """As a person imports it, from the uploaded file to the end of the job."""
    from contacts.importing import imports
    from contacts.importing.job import _Import
    from jobs import runner
    from jobs.models import Job

    business = _business()
    source = imports.upload(business, business.user, io.BytesIO(_file(rows)), "people.csv")
    imports.start(business, business.user, source.pk)
    real, writing = _Import._keep, 0.0

    def keep(self: Any, *arguments: Any) -> None:
        nonlocal writing
        begin = time.perf_counter()
        real(self, *arguments)
        writing += time.perf_counter() - begin

    _Import._keep = keep  # type: ignore[method-assign]
    begin = time.perf_counter()
    runner.run_due()
    seconds = time.perf_counter() - begin
    job = Job.objects.get(business_profile=business)
    if job.summary.get("created") != rows:
        raise RuntimeError(f"The import ended as {job.state} with {job.summary} {job.error_message}")
    memory = _peak_memory()
    _forget(business)
    return {"seconds": seconds, "writing": writing, "reading": seconds - writing, "memory": memory}


def by_hand(rows: int) -> dict[str, Any]:
    """The same contacts with identities and origin by the least that could be written, in one transaction."""
    from django.db import connection, transaction

    business, people = _business(), _people(rows)
    write = _copy_and_upsert if connection.vendor == "postgresql" else _executemany
    begin = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        write(cursor, business.pk, people)
    seconds = time.perf_counter() - begin
    _forget(business)
    return {"seconds": seconds}


_COLUMNS = (
    "id, business_profile_id, phone_number, name, email, country, push_name, profile_pic_url, is_business, metadata, "
    "total_messages, created_at, updated_at"
)
_IDENTITY = "id, business_profile_id, contact_id, kind, value, created_at, updated_at"
_ORIGIN = "contact_id, source_id, created_at"


def _copy_and_upsert(cursor: Any, business_id: Any, people: list[tuple[str, str, str]]) -> None:
    from core.ids import uuid7

    cursor.execute(
        "CREATE TEMP TABLE given (id uuid, identity uuid, name text, number text, email text) ON COMMIT DROP"
    )
    with cursor.copy("COPY given FROM STDIN") as copy:
        for name, number, email in people:
            copy.write_row((uuid7(), uuid7(), name, number, email))
    cursor.execute(
        f"INSERT INTO contacts ({_COLUMNS}) "
        "SELECT id, %s, number, name, email, 'GB', '', '', false, '{}', 0, now(), now() FROM given "
        "ON CONFLICT (business_profile_id, phone_number) DO UPDATE SET name = excluded.name, email = excluded.email",
        [business_id],
    )
    cursor.execute(
        f"INSERT INTO contact_identities ({_IDENTITY}) "
        "SELECT identity, %s, id, 'phone', number, now(), now() FROM given "
        "ON CONFLICT (business_profile_id, kind, value) DO NOTHING",
        [business_id],
    )
    cursor.execute(f"INSERT INTO imported_contacts ({_ORIGIN}) SELECT id, %s, now() FROM given", [uuid7()])


def _executemany(cursor: Any, business_id: Any, people: list[tuple[str, str, str]]) -> None:
    from core.ids import uuid7

    own, moment = business_id.hex, "2026-11-22 20:00:00"
    keyed = [(uuid7().hex, *person) for person in people]
    cursor.executemany(
        f"INSERT INTO contacts ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, 'GB', '', '', 0, '{{}}', 0, %s, %s) "
        "ON CONFLICT (business_profile_id, phone_number) DO UPDATE SET name = excluded.name, email = excluded.email",
        [(key, own, number, name, email, moment, moment) for key, name, number, email in keyed],
    )
    cursor.executemany(
        f"INSERT INTO contact_identities ({_IDENTITY}) VALUES (%s, %s, %s, 'phone', %s, %s, %s) "
        "ON CONFLICT (business_profile_id, kind, value) DO NOTHING",
        [(uuid7().hex, own, key, number, moment, moment) for key, _, number, _ in keyed],
    )
    source = uuid7().hex
    cursor.executemany(
        f"INSERT INTO imported_contacts ({_ORIGIN}) VALUES (%s, %s, %s)",
        [(key, source, moment) for key, *_ in keyed],
    )


def _peak_memory() -> float:
    """MB that this process had at most; getrusage counts the process that started it as well."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def _forget(business: Any) -> None:
    """Take the rows away again."""
    from django.db import connection

    from contacts.models import Contact, ContactIdentity, ContactImport, ImportedContact
    from core.db import bulk

    sources = ContactImport.objects.filter(business_profile=business)
    bulk.delete_rows(ImportedContact.objects.filter(source__in=sources))
    bulk.delete_rows(ContactIdentity.objects.filter(business_profile=business))
    bulk.delete_rows(Contact.objects.filter(business_profile=business))
    if connection.vendor == "postgresql":  # else it is cleaned up while the next one is measured
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE contacts, contact_identities, imported_contacts")


if __name__ == "__main__":
    import django

    django.setup()
    asked = json.loads(sys.argv[1])
    work = {"by_job": by_job, "by_hand": by_hand}[asked["name"]]
    print(json.dumps(work(asked["rows"])))
