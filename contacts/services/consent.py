"""Opt contacts out of campaigns and in again, each time with a proof.

The number (or LID) that opted out is suppressed apart from the contact, so that neither deletion nor re-import lets
anybody in again; only an opt-in does. The proofs also wait without a contact until the number comes back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts.events import ContactOptedIn, ContactOptedOut
from contacts.models import ConsentProof, Contact, ContactIdentity, Suppression
from contacts.selection import Contacts, chunks, ids_of
from core.clock import now
from core.db import bulk
from core.events import publish

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
    """Opt contacts out of campaigns. Returns how many were in.

    how: a value of ConsentProof.How. note: what they said, or the source. Contacts who are out already, and say so in
    another way than the last time, get a further proof.
    """
    return len(
        opt_out_with_proofs(business, contacts, how=how, actor=actor, message_id=message_id, note=note)
    )


def opt_out_with_proofs(
    business: BusinessProfile,
    contacts: Contacts,
    *,
    how: str,
    actor: User | None = None,
    message_id: UUID | None = None,
    note: str = "",
) -> dict[UUID, UUID]:
    """Opt contacts out like `opt_out`; returns the proof of each who was in."""
    proofs: dict[UUID, UUID] = {}
    with transaction.atomic():
        for some in chunks(ids_of(business, contacts)):
            proofs |= _opt_out_chunk(business.pk, some, how, actor, message_id, note)
            _add_repeated_proofs(
                business.pk, [key for key in some if key not in proofs], how, actor, message_id, note
            )
        if actor is not None and proofs:
            audit.record(business, actor, "contacts.opted_out", count=len(proofs), how=how)
    return proofs


def opted_out_by(business: BusinessProfile, proofs: Mapping[UUID, UUID]) -> list[UUID]:
    """Return the contacts who are opted out and whose latest proof is this one."""
    rows = ConsentProof.objects.filter(
        business_profile=business, contact_id__in=proofs, contact__opted_out_at__isnull=False
    )
    newest = dict(rows.order_by("id").values_list("contact_id", "pk"))
    return [key for key, proof in newest.items() if proof == proofs[key]]


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
            changed += len(_opt_in_chunk(business.pk, some, how, actor, message_id, note))
        if actor is not None and changed:
            audit.record(business, actor, "contacts.opted_in", count=changed, how=how)
    return changed


def apply_suppressions(business_id: UUID, contact_ids: Collection[UUID]) -> int:
    """Opt out those of these (new) contacts whose number is suppressed.

    Their former proofs are attached again. Returns how many. One query when there are none. Call inside the transaction
    that created the contacts.
    """
    kept = Suppression.objects.filter(
        business_profile_id=business_id, kind=OuterRef("kind"), value=OuterRef("value")
    )
    count = 0
    for some in chunks(contact_ids):
        rows = ContactIdentity.objects.filter(contact_id__in=some, contact__opted_out_at=None)
        owners = rows.filter(Exists(kept)).values_list("contact_id", Subquery(kept.values("contact_id")[:1]))
        returned = sorted(set(owners), key=str)
        keys = sorted({key for key, _ in returned})
        count += len(_opt_out_chunk(business_id, keys, How.SUPPRESSION, None, None, "")) if keys else 0
        _reattach_proofs([(before, key) for key, before in returned if before])
    return count


def _reattach_proofs(pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """Attach proofs to the contact that has the number now.

    pairs: (deleted contact, contact).
    """
    bulk.update_each(
        {"gone": "uuid", "key": "uuid"},
        pairs,
        "UPDATE contact_consents SET contact_id = v.key, gone_contact_id = NULL FROM v "
        "WHERE contact_consents.gone_contact_id = v.gone",
    )


def detach_proofs(contact_ids: Collection[UUID]) -> None:
    """Detach the proofs of contacts that are about to be deleted.

    Call inside that transaction. Notes by the team or a program are erased, because they may contain personal data.
    """
    rows = ConsentProof.objects.filter(contact_id__in=contact_ids, contact__opted_out_at__isnull=False)
    free = Q(how__in=[How.TEAM, How.API])
    rows.update(
        gone_contact_id=F("contact_id"),
        contact=None,
        note=Case(When(free, then=Value("")), default=F("note")),
    )


def suppressed(business: BusinessProfile, values: Collection[str]) -> set[str]:
    """Return which of these canonical numbers are suppressed."""
    rows = Suppression.objects.filter(
        business_profile=business, kind=ContactIdentity.Kind.PHONE, value__among=values
    )
    return set(rows.values_list("value", flat=True))


def _opt_out_chunk(
    business_id: UUID, ids: Sequence[UUID], how: str, actor: User | None, message_id: UUID | None, note: str
) -> dict[UUID, UUID]:
    changed = _set_opted_out(ids, opted_out=True)
    if not changed:
        return {}
    suppress(business_id, changed)
    proofs = _add_proofs(business_id, changed, Kind.OPT_OUT, how, actor, message_id, note)
    publish(*(ContactOptedOut(business_id=business_id, contact_id=key, how=how) for key in changed))
    return proofs


def _add_repeated_proofs(
    business_id: UUID, ids: Sequence[UUID], how: str, actor: User | None, message_id: UUID | None, note: str
) -> None:
    """Add proofs to contacts who were out already."""
    if not ids:
        return
    rows = ConsentProof.objects.filter(contact_id__in=ids).order_by("id")
    known = dict(rows.values_list("contact_id", "how"))
    anew = [key for key in ids if known.get(key) != how]
    _add_proofs(business_id, anew, Kind.AGAIN, how, actor, message_id, note)


def suppress(business_id: UUID, contact_ids: Collection[UUID]) -> None:
    """Suppress every number and LID of these contacts."""
    rows = ContactIdentity.objects.filter(contact_id__in=contact_ids).order_by("kind", "value")
    Suppression.objects.bulk_create(
        [
            Suppression(business_profile_id=business_id, kind=kind, value=value, contact_id=key)
            for kind, value, key in rows.values_list("kind", "value", "contact_id")
        ],
        update_conflicts=True,
        unique_fields=["business_profile", "kind", "value"],
        update_fields=["contact_id"],
    )


def _opt_in_chunk(
    business_id: UUID, ids: Sequence[UUID], how: str, actor: User | None, message_id: UUID | None, note: str
) -> list[UUID]:
    changed = _set_opted_out(ids, opted_out=False)
    if not changed:
        return []
    own = ContactIdentity.objects.filter(
        contact_id__in=changed, kind=OuterRef("kind"), value=OuterRef("value")
    )
    Suppression.objects.filter(Exists(own), business_profile_id=business_id).delete()
    _add_proofs(business_id, changed, Kind.OPT_IN, how, actor, message_id, note)
    publish(*(ContactOptedIn(business_id=business_id, contact_id=key, how=how) for key in changed))
    return changed


def _set_opted_out(ids: Sequence[UUID], *, opted_out: bool) -> list[UUID]:
    """Set or clear `opted_out_at`. Returns the contacts whose state changed."""
    rows = Contact.objects.filter(pk__in=ids, opted_out_at__isnull=opted_out).order_by("pk")
    changed = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    moment = now()
    Contact.objects.filter(pk__in=changed).update(
        opted_out_at=moment if opted_out else None, updated_at=moment
    )
    return changed


def _add_proofs(
    business_id: UUID,
    ids: Sequence[UUID],
    kind: str,
    how: str,
    actor: User | None,
    message_id: UUID | None,
    note: str,
) -> dict[UUID, UUID]:
    """Add a proof to each of these contacts; returns the ids of the proofs by contact."""
    rows = ConsentProof.objects.bulk_create(
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
    return {key: row.pk for key, row in zip(ids, rows, strict=True)}
