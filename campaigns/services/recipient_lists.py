"""A campaign's own list: phone numbers that were pasted, uploaded or sent by a program, or contacts."""

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
BATCH = 1000
EXAMPLES = 5


@dataclass(frozen=True)
class ParsedList:
    """Parsed lines. people: one per number. invalid: lines without a number. repeated: count of repeated numbers."""

    people: list[Person]
    invalid: list[str]
    repeated: int


def parse(business: BusinessProfile, lines: Iterable[str]) -> ParsedList:
    """Parse phone numbers; those without a country code belong to the business's country."""
    reader = NumberReader(business.default_country)
    people: dict[str, Person] = {}
    invalid: list[str] = []
    repeated = 0
    for line in filter(None, (line.strip() for line in lines)):
        try:
            e164 = reader.read(line)
        except InvalidInput:
            invalid.append(line[:40])
            continue
        key = phone.canonical(e164)
        repeated += key in people
        people.setdefault(key, Person(phone=e164))
    return ParsedList(list(people.values()), invalid, repeated)


def set_numbers(campaign: Campaign, lines: Sequence[str]) -> None:
    """Replace the campaign's list by phone numbers; unknown numbers become contacts.

    Invalid and repeated lines are counted in `list_summary`. Must be called in a transaction. Raises
    InvalidInput("no_numbers", "list_too_long").
    """
    if len(lines) > MAX_LIST:
        raise InvalidInput("list_too_long", f"At most {MAX_LIST:,} numbers at once.", field="numbers")
    listed = parse(campaign.business_profile, lines)
    if not listed.people:
        raise InvalidInput("no_numbers", "None of these lines is a phone number.", field="numbers")
    contacts: set[UUID] = set()
    for start in range(0, len(listed.people), BATCH):
        batch = listed.people[start : start + BATCH]
        contacts |= set(identities.resolve(campaign.business_profile_id, batch).values())
    replace(
        campaign,
        contacts,
        lines=len(listed.people) + len(listed.invalid) + listed.repeated,
        invalid=len(listed.invalid),
        repeated=listed.repeated + len(listed.people) - len(contacts),
        examples=listed.invalid[:EXAMPLES],
    )


def replace(campaign: Campaign, contact_ids: Iterable[UUID], **summary: Any) -> None:
    """Replace the campaign's list by contacts of its business. Must be called in a transaction."""
    campaign.people.all().delete()
    count = add(campaign, contact_ids)
    campaign.target_type = Campaign.Target.CUSTOM
    campaign.list_summary = summary or {"lines": count, "invalid": 0, "repeated": 0}
    campaign.save(update_fields=["target_type", "list_summary", "updated_at"])


def add(campaign: Campaign, contact_ids: Iterable[UUID]) -> int:
    """Add contacts to the list, ignoring those on it. Returns the number of given contacts."""
    rows = [CampaignPerson(campaign=campaign, contact_id=key) for key in sorted(set(contact_ids))]
    CampaignPerson.objects.bulk_create(rows, batch_size=5000, ignore_conflicts=True)
    return len(rows)
