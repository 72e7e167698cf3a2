"""Who may be written to in campaigns: opting out and in, each with its proof.

The number (or LID) of who opted out is kept apart from the contact, so that neither a deletion nor a new import brings
anybody back; only an opt-in does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts.events import ContactOptedIn, ContactOptedOut
from contacts.models import ConsentProof, Contact, ContactIdentity, Suppression
from contacts.services.selection import Contacts, chunks, ids_of
from whatsflow.core.clock import now
from whatsflow.core.events import publish

How = ConsentProof.How
Kind = ConsentProof.Kind


def opt_out(
    business: BusinessProfile,
    contacts: Contacts,
    *,
    how: str,
    actor: User | None = None,
    message_id: UUID | None = None,
    note: str = "",
) -> int:
    """Keep these contacts out of campaigns from now on. Returns how many were in.

    how: a value of ConsentProof.How. note: what they said, or where it comes from.
    """
    changed = 0
    with transaction.atomic():
        for some in chunks(ids_of(business, contacts)):
            changed += len(_out(business.pk, some, how, actor, message_id, note))
        if actor is not None and changed:
            audit.record(business, actor, "contacts.opted_out", count=changed, how=how)
    return changed


def opt_in(
    business: BusinessProfile,
    contacts: Contacts,
    *,
    how: str,
    actor: User | None = None,
    message_id: UUID | None = None,
    note: str = "",
) -> int:
    """Let contacts who had opted out into campaigns again. Returns how many were out."""
    changed = 0
    with transaction.atomic():
        for some in chunks(ids_of(business, contacts)):
            changed += len(_in(business.pk, some, how, actor, message_id, note))
        if actor is not None and changed:
            audit.record(business, actor, "contacts.opted_in", count=changed, how=how)
    return changed


def apply_suppressions(business_id: UUID, contact_ids: Collection[UUID]) -> int:
    """Opt out those of these (new) contacts whose number had opted out before; one query when there are none.

    Returns how many. Must be called inside the transaction that made the contacts.
    """
    kept = Suppression.objects.filter(
        business_profile_id=business_id, kind=OuterRef("kind"), value=OuterRef("value")
    )
    found = 0
    for some in chunks(contact_ids):
        rows = ContactIdentity.objects.filter(Exists(kept), contact_id__in=some, contact__opted_out_at=None)
        keys = sorted(set(rows.values_list("contact_id", flat=True)))
        found += len(_out(business_id, keys, How.SUPPRESSION, None, None, "")) if keys else 0
    return found


def suppressed(business: BusinessProfile, values: Collection[str]) -> set[str]:
    """Which of these canonical numbers have opted out (for imports)."""
    rows = Suppression.objects.filter(
        business_profile=business, kind=ContactIdentity.Kind.PHONE, value__among=values
    )
    return set(rows.values_list("value", flat=True))


def _out(
    business_id: UUID, ids: Sequence[UUID], how: str, actor: User | None, message_id: UUID | None, note: str
) -> list[UUID]:
    changed = _flip(ids, opted_out=True)
    if not changed:
        return []
    identities = ContactIdentity.objects.filter(contact_id__in=changed)
    Suppression.objects.bulk_create(
        [
            Suppression(business_profile_id=business_id, kind=kind, value=value)
            for kind, value in identities.order_by("kind", "value").values_list("kind", "value")
        ],
        ignore_conflicts=True,
    )
    _prove(business_id, changed, Kind.OPT_OUT, how, actor, message_id, note)
    publish(*(ContactOptedOut(business_id=business_id, contact_id=key, how=how) for key in changed))
    return changed


def _in(
    business_id: UUID, ids: Sequence[UUID], how: str, actor: User | None, message_id: UUID | None, note: str
) -> list[UUID]:
    changed = _flip(ids, opted_out=False)
    if not changed:
        return []
    own = ContactIdentity.objects.filter(
        contact_id__in=changed, kind=OuterRef("kind"), value=OuterRef("value")
    )
    Suppression.objects.filter(Exists(own), business_profile_id=business_id).delete()
    _prove(business_id, changed, Kind.OPT_IN, how, actor, message_id, note)
    publish(*(ContactOptedIn(business_id=business_id, contact_id=key, how=how) for key in changed))
    return changed


def _flip(ids: Sequence[UUID], *, opted_out: bool) -> list[UUID]:
    """Those that were not so already."""
    rows = Contact.objects.filter(pk__in=ids, opted_out_at__isnull=opted_out).order_by("pk")
    changed = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    moment = now()
    Contact.objects.filter(pk__in=changed).update(
        opted_out_at=moment if opted_out else None, updated_at=moment
    )
    return changed


def _prove(
    business_id: UUID,
    ids: Sequence[UUID],
    kind: str,
    how: str,
    actor: User | None,
    message_id: UUID | None,
    note: str,
) -> None:
    ConsentProof.objects.bulk_create(
        ConsentProof(
            business_profile_id=business_id,
            contact_id=key,
            kind=kind,
            how=how,
            actor=actor,
            message_id=message_id,
            note=note[:255],
        )
        for key in ids
    )
