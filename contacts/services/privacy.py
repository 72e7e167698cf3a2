"""The job that exports all data about a contact.

Erasure is `contacts.delete`; apps that store more than rows of the contact subscribe to `ContactDeleted`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q

from accounts.models import BusinessProfile, User
from accounts.services import audit, personal_data
from contacts import ports, selectors
from contacts.models import Contact, ContactIdentity, Suppression
from core.clock import now
from jobs import services as jobs
from jobs.context import Work
from jobs.models import Job

KIND = "contacts.personal_data"
WORDS = {"rows": "Rows", "files": "Files"}


def start(business: BusinessProfile, contact: Contact, actor: User) -> Job:
    """Start the job that exports all data about a contact."""
    audit.record(business, actor, "contact.handed_over", contact)
    params = {"contact": str(contact.pk)}
    return jobs.start(business, actor, KIND, params, title="All that is stored about a contact")


def run(work: Work) -> dict[str, Any]:
    """Job handler: write all rows about the contact, and its files."""
    contact = selectors.get_contact(work.business, UUID(work.params["contact"]))
    files = 0
    name = f"contact-{now():%Y-%m-%d}.zip"
    with (
        work.result(name, personal_data.CONTENT_TYPE) as out,
        personal_data.Archive(out) as archive,
    ):
        rows = personal_data.write_tables(archive, contact)
        rows += archive.rows("suppressions", _suppressions(contact))
        for path, open_file in ports.files_of(work.business.pk, contact.pk):
            if work.cancelled():
                break
            with open_file() as content:
                archive.file(f"files/{path}", content)
            files += 1
            work.progress(files)
    if work.was_cancelled:
        work.withdraw_result()
        return {"rows": 0, "files": 0, "notes": ["Stopped. No file was kept."]}
    return {"rows": rows, "files": files}


def _suppressions(contact: Contact) -> list[dict[str, Any]]:
    """Return the opt-outs that outlive the contact."""
    names = ContactIdentity.objects.filter(contact=contact).values_list("kind", "value")
    mine = Q(pk__in=[])
    for kind, value in names:
        mine |= Q(kind=kind, value=value)
    rows = Suppression.objects.filter(mine, business_profile=contact.business_profile_id)
    return [personal_data.row_data(row) for row in rows]
