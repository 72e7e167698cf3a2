"""A campaign's own list of people: numbers that were pasted, uploaded or given by a program, or people of a ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.models import BusinessProfile
from campaigns.models import Campaign, CampaignPerson
from contacts.services import identities
from contacts.services.identities import Person
from core.errors import InvalidInput
from core.phone import phone
from core.phone.fast_parser import NumberReader

MAX_LIST = 100_000
AT_ONCE = 1000
EXAMPLES = 5


@dataclass(frozen=True)
class Listed:
    """What lines of text say. people: one for each number. invalid: lines that are no number. repeated: lines that
    say a number again.
    """

    people: list[Person]
    invalid: list[str]
    repeated: int


def read(business: BusinessProfile, lines: Iterable[str]) -> Listed:
    """Numbers in any spelling; without a country code they are of the business's country."""
    reader = NumberReader(business.default_country)
    found: dict[str, Person] = {}
    invalid: list[str] = []
    repeated = 0
    for line in filter(None, (line.strip() for line in lines)):
        try:
            e164 = reader.read(line)
        except InvalidInput:
            invalid.append(line[:40])
            continue
        key = phone.canonical(e164)
        repeated += key in found
        found.setdefault(key, Person(phone=e164))
    return Listed(list(found.values()), invalid, repeated)


def set_numbers(campaign: Campaign, lines: Sequence[str]) -> None:
    """Make these numbers the campaign's audience; people who are new become contacts.

    What cannot be read and what comes twice is counted in `list_summary`. Raises InvalidInput("no_numbers",
    "list_too_long"). In a transaction.
    """
    if len(lines) > MAX_LIST:
        raise InvalidInput("list_too_long", f"At most {MAX_LIST:,} numbers at once.", field="numbers")
    listed = read(campaign.business_profile, lines)
    if not listed.people:
        raise InvalidInput("no_numbers", "None of these lines is a phone number.", field="numbers")
    contacts: set[UUID] = set()
    for start in range(0, len(listed.people), AT_ONCE):
        some = listed.people[start : start + AT_ONCE]
        contacts |= set(identities.resolve(campaign.business_profile_id, some).values())
    replace(
        campaign,
        contacts,
        lines=len(listed.people) + len(listed.invalid) + listed.repeated,
        invalid=len(listed.invalid),
        repeated=listed.repeated + len(listed.people) - len(contacts),
        examples=listed.invalid[:EXAMPLES],
    )


def replace(campaign: Campaign, contact_ids: Iterable[UUID], **summary: Any) -> None:
    """Make these contacts of its business the campaign's audience. In a transaction."""
    campaign.people.all().delete()
    count = add(campaign, contact_ids)
    campaign.target_type = Campaign.Target.CUSTOM
    campaign.list_summary = summary or {"lines": count, "invalid": 0, "repeated": 0}
    campaign.save(update_fields=["target_type", "list_summary", "updated_at"])


def add(campaign: Campaign, contact_ids: Iterable[UUID]) -> int:
    """Put them on the list, once each. Returns how many were given."""
    rows = [CampaignPerson(campaign=campaign, contact_id=key) for key in sorted(set(contact_ids))]
    CampaignPerson.objects.bulk_create(rows, batch_size=5000, ignore_conflicts=True)
    return len(rows)
