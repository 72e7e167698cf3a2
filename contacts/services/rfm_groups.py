"""Which group each contact is in; whoever counts messages says it (analytics), contacts keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from django.db import transaction

from accounts.models import BusinessProfile
from contacts.models import ContactGroup
from core.db import bulk

CHUNK = 5000
_WRITE = """
INSERT INTO contact_groups (contact_id, business_profile_id, "group", since)
SELECT c.id, c.business_profile_id, v.name, v.since FROM v JOIN contacts AS c ON c.id = v.key WHERE 1 = 1
ON CONFLICT (contact_id) DO UPDATE SET "group" = excluded."group", since = excluded.since
"""


def assign(business: BusinessProfile, wanted: Mapping[UUID, str], when: date) -> int:
    """Put contacts into groups (values of ContactGroup.Group); who is not named is in none. Returns how many moved.

    Writes only what differs, a few thousand rows a transaction.
    """
    rows = ContactGroup.objects.filter(business_profile=business)
    known = dict(rows.values_list("contact_id", "group"))
    gone = [key for key in known if key not in wanted]
    moved = sorted((key, name, when) for key, name in wanted.items() if known.get(key) != name)
    for start in range(0, len(gone), CHUNK):
        rows.filter(pk__in=gone[start : start + CHUNK]).delete()
    for start in range(0, len(moved), CHUNK):
        with transaction.atomic():
            chunk = moved[start : start + CHUNK]
            bulk.update_each({"key": "uuid", "name": "text", "since": "date"}, chunk, _WRITE)
    return len(gone) + len(moved)
