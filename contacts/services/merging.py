"""Merge contacts that are one person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts import custom_field_values, selectors
from contacts.events import ContactsMerged, ContactUpdated
from contacts.models import (
    ConsentProof,
    Contact,
    ContactIdentity,
    ContactNote,
    ContactTag,
    ImportedContact,
)
from contacts.services import consent
from core.errors import InvalidInput
from core.events import publish


@dataclass(frozen=True)
class Line:
    """A line of a merge's preview: the value of each contact, and the result."""

    label: str
    keep: str
    lose: str
    result: str


def preview(business: BusinessProfile, keep: Contact, lose: Contact) -> list[Line]:
    """Return what a merge would result in, line by line, without empty lines."""
    _check(business, keep, lose)
    lines = [
        Line("Name", keep.name, lose.name, keep.name or lose.name),
        Line("Own name", keep.push_name, lose.push_name, keep.push_name or lose.push_name),
        Line("Number", keep.display_phone, lose.display_phone, keep.display_phone or lose.display_phone),
        Line("E-mail", keep.email, lose.email, keep.email or lose.email),
    ]
    for field in selectors.fields_of(business):
        mine, theirs = (
            custom_field_values.format_value(field, one.metadata.get(field.key)) for one in (keep, lose)
        )
        lines.append(Line(field.label, mine, theirs, mine or theirs))
    tags = [{tag.name for tag in selectors.tags_of(one.pk)} for one in (keep, lose)]
    lines.append(Line("Tags", *(", ".join(sorted(names)) for names in (*tags, tags[0] | tags[1]))))
    total = keep.total_messages + lose.total_messages
    lines.append(Line("Messages", str(keep.total_messages), str(lose.total_messages), str(total)))
    for label, column in (("Opted out", "opted_out_at"), ("Blocked", "blocked_at")):
        one, other = ("Yes" if getattr(contact, column) else "" for contact in (keep, lose))
        lines.append(Line(label, one, other, one or other))
    return [line for line in lines if line.result]


def merge(business: BusinessProfile, actor: User, keep: Contact, lose: Contact) -> Contact:
    """Merge `lose` into `keep`: empty fields are filled, then `lose` is deleted.

    Cannot be undone. An opt-out or a block of either holds for the result. Raises NotFound,
    InvalidInput("same_contact").
    """
    _check(business, keep, lose)
    with transaction.atomic():
        rows = {row.pk: row for row in _locked(business.pk, [keep.pk, lose.pk])}
        kept = rows[keep.pk]
        _absorb(kept, rows[lose.pk])
        kept.save()
        audit.record(business, actor, "contact.merged", kept, lost=str(lose.pk))
        publish(ContactUpdated(business_id=business.pk, contact_id=kept.pk))
    return kept


def _check(business: BusinessProfile, keep: Contact, lose: Contact) -> None:
    keep, lose = (selectors.get_contact(business, one.pk) for one in (keep, lose))
    if keep.pk == lose.pk:
        raise InvalidInput("same_contact", "Choose another contact to merge with.", field="other")


def merge_all(business_id: UUID, contact_ids: Collection[UUID]) -> UUID:
    """Merge several contacts into the one with a phone number, else the oldest.

    Returns its id. One transaction: identities move, empty fields are filled, `ContactsMerged` lets subscribers
    (inside) move their rows, then the rest is deleted.
    """
    with transaction.atomic():
        rows = _locked(business_id, contact_ids)
        kept, *lost = sorted(rows, key=lambda contact: (not contact.phone_number, contact.pk))
        for contact in lost:
            _absorb(kept, contact)
        kept.save()
        if lost:
            publish(ContactUpdated(business_id=business_id, contact_id=kept.pk))
    return kept.pk


def _locked(business_id: UUID, contact_ids: Collection[UUID]) -> list[Contact]:
    rows = Contact.objects.select_for_update(no_key=True).filter(
        business_profile_id=business_id, pk__in=contact_ids
    )
    return list(rows.order_by("pk"))


def _absorb(kept: Contact, lost: Contact) -> None:
    publish(ContactsMerged(business_id=kept.business_profile_id, contact_id=kept.pk, lost_id=lost.pk))
    _move(kept, lost)
    _share_consent(kept, lost)
    kept.name = kept.name or lost.name
    kept.push_name = kept.push_name or lost.push_name
    kept.email = kept.email or lost.email
    kept.country = kept.country or lost.country
    kept.profile_pic_url = kept.profile_pic_url or lost.profile_pic_url
    kept.is_business = kept.is_business or lost.is_business
    kept.metadata = {**lost.metadata, **kept.metadata}
    kept.first_message_at = min(_known(kept.first_message_at, lost.first_message_at), default=None)
    kept.last_message_at = max(_known(kept.last_message_at, lost.last_message_at), default=None)
    kept.blocked_at = min(_known(kept.blocked_at, lost.blocked_at), default=None)
    kept.total_messages += lost.total_messages
    number = lost.phone_number
    lost.delete()
    kept.phone_number = kept.phone_number or number


def _move(kept: Contact, lost: Contact) -> None:
    """Move what refers to the lost contact to the one that stays."""
    ContactIdentity.objects.filter(contact=lost).update(contact=kept)
    ContactNote.objects.filter(contact=lost).update(contact=kept)
    ConsentProof.objects.filter(contact=lost).update(contact=kept)
    known = ImportedContact.objects.filter(contact=kept).values("source")
    ImportedContact.objects.filter(contact=lost).exclude(source__in=known).update(contact=kept)
    carried = ContactTag.objects.filter(contact=lost).values_list("tag_id", "created_at")
    ContactTag.objects.bulk_create(
        [ContactTag(contact=kept, tag_id=tag) for tag, _ in carried], ignore_conflicts=True
    )


def _share_consent(kept: Contact, lost: Contact) -> None:
    """Apply an opt-out of either to both, under all of their identities, with a proof."""
    if kept.opted_out_at is None and lost.opted_out_at is None:
        return
    if kept.opted_out_at is None:
        ConsentProof.objects.create(
            business_profile_id=kept.business_profile_id,
            contact=kept,
            kind=ConsentProof.Kind.OPT_OUT,
            how=ConsentProof.How.MERGE,
        )
    kept.opted_out_at = min(_known(kept.opted_out_at, lost.opted_out_at))
    consent.suppress(kept.business_profile_id, [kept.pk])


def _known(*moments: datetime | None) -> list[datetime]:
    return [moment for moment in moments if moment is not None]
