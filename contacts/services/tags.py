"""Create, change, merge and delete tags, and tag contacts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts.events import ContactUpdated, TagsMerged
from contacts.models import COLOR, Contact, ContactTag, Segment, Tag, TagRule
from contacts.selection import Contacts, chunks, ids_of
from contacts.selectors import get_tag, tags_of
from core.errors import Conflict, InvalidInput
from core.events import publish
from core.text import printable

NAME_LENGTH = 100
PALETTE = (
    *("#1c7ed6", "#0ca678", "#f76707", "#ae3ec9", "#e03131", "#f59f00"),
    *("#4263eb", "#2f9e44", "#d6336c", "#1098ad", "#7950f2", "#74b816"),
)
"""Default colours of new tags, in turn."""


def create(business: BusinessProfile, actor: User | None, name: str, color: str = "") -> Tag:
    """Create a tag; the default colour is the next of PALETTE.

    Raises InvalidInput, Conflict("tag_exists").
    """
    name = _name(business, name)
    color = _color(color) or next_color(business)
    with transaction.atomic():
        tag = _saved(Tag(business_profile=business, name=name, color=color), name)
        audit.record(business, actor, "tag.created", tag)
    return tag


def next_color(business: BusinessProfile) -> str:
    """Return the default colour of the next tag."""
    return PALETTE[Tag.objects.filter(business_profile=business).count() % len(PALETTE)]


def find_or_create(business: BusinessProfile, actor: User | None, names: Iterable[str]) -> list[Tag]:
    """Return the tags with these names, case-insensitively; missing ones are created."""
    known = {tag.name.casefold(): tag for tag in Tag.objects.filter(business_profile=business)}
    tags = []
    for name in names:
        key = printable(name).casefold()
        if key not in known:
            known[key] = create(business, actor, name)
        tags.append(known[key])
    return tags


def update(business: BusinessProfile, tag: Tag, actor: User | None, *, name: str, color: str) -> Tag:
    """Rename or recolour a tag. Raises InvalidInput, Conflict("tag_exists")."""
    tag = get_tag(business, tag.pk)
    name, color = _name(business, name, tag), _color(color) or tag.color
    if (name, color) == (tag.name, tag.color):
        return tag
    with transaction.atomic():
        tag.name, tag.color = name, color
        _saved(tag, name)
        audit.record(business, actor, "tag.updated", tag)
    return tag


def delete(business: BusinessProfile, tag: Tag, actor: User | None) -> None:
    """Delete a tag with its rules, and remove it from all contacts."""
    tag = get_tag(business, tag.pk)
    with transaction.atomic():
        audit.record(business, actor, "tag.deleted", tag)
        tag.delete()


def merge(business: BusinessProfile, tag: Tag, into: Tag, actor: User | None) -> Tag:
    """Merge `tag` into `into`, then delete `tag`.

    Contacts, rules, segments and campaigns follow.
    """
    tag, into = get_tag(business, tag.pk), get_tag(business, into.pk)
    if tag.pk == into.pk:
        raise InvalidInput("same_tag", "Choose another tag to merge with.", field="into")
    with transaction.atomic():
        carriers = ContactTag.objects.filter(tag=tag).values_list("contact_id", flat=True)
        for some in chunks(carriers.iterator(chunk_size=2000)):
            _insert_missing(some, [into])
        TagRule.objects.filter(tag=tag).update(tag=into)
        _replace_in_segments(business, tag.pk, into.pk)
        publish(TagsMerged(business_id=business.pk, tag_id=into.pk, lost_id=tag.pk))
        audit.record(business, actor, "tag.merged", into, merged=str(tag.pk))
        tag.delete()
    return into


def _replace_in_segments(business: BusinessProfile, old: UUID, new: UUID) -> None:
    for segment in Segment.objects.filter(business_profile=business):
        changed = False
        for key in ("tags_any", "tags_all", "tags_none"):
            ids = segment.filter.get(key, [])
            if str(old) in ids:
                swapped = [str(new) if one == str(old) else one for one in ids]
                segment.filter[key] = list(dict.fromkeys(swapped))
                changed = True
        if changed:
            segment.save(update_fields=["filter", "updated_at"])


def add(business: BusinessProfile, contacts: Contacts, tags: Sequence[Tag], actor: User | None = None) -> int:
    """Add tags to contacts. Returns how many contacts changed."""
    return _change(business, contacts, tags, actor, _insert_missing, "contacts.tagged")


def add_by_name(business: BusinessProfile, contact: Contact, actor: User, name: str) -> Tag:
    """Add a tag to a contact by its name, created if missing. Raises InvalidInput."""
    with transaction.atomic():
        (tag,) = find_or_create(business, actor, [name])
        add(business, [contact.pk], [tag], actor)
    return tag


def remove(
    business: BusinessProfile, contacts: Contacts, tags: Sequence[Tag], actor: User | None = None
) -> int:
    """Remove tags from contacts. Returns how many contacts changed."""
    return _change(business, contacts, tags, actor, _delete_present, "contacts.untagged")


def add_to_contact(
    business: BusinessProfile,
    contact: Contact,
    actor: User | None,
    *,
    tag_ids: Sequence[UUID] = (),
    names: Sequence[str] = (),
) -> list[Tag]:
    """Add tags to a contact by ids and by names, which creates missing ones.

    Returns all tags of the contact. Raises NotFound, InvalidInput.
    """
    with transaction.atomic():
        chosen = [get_tag(business, tag_id) for tag_id in tag_ids]
        chosen += find_or_create(business, actor, names)
        add(business, [contact.pk], chosen, actor)
    return tags_of(contact.pk)


def replace(business: BusinessProfile, contact_id: UUID, tags: Sequence[Tag], actor: User | None) -> int:
    """Replace the tags of a contact.

    Returns how often a tag was added or removed (0 to 2).
    """
    kept = [tag.pk for tag in tags]
    carried = ContactTag.objects.filter(contact_id=contact_id).values_list("tag_id", flat=True)
    gone = Tag.objects.filter(business_profile=business, pk__in=carried).exclude(pk__in=kept)
    with transaction.atomic():
        return add(business, [contact_id], tags, actor) + remove(business, [contact_id], list(gone), actor)


def _change(
    business: BusinessProfile,
    contacts: Contacts,
    tags: Sequence[Tag],
    actor: User | None,
    change: Any,
    action: str,
) -> int:
    own = [get_tag(business, tag.pk) if tag.business_profile_id != business.pk else tag for tag in tags]
    if not own:
        return 0
    changed = 0
    with transaction.atomic():
        for some in chunks(ids_of(business, contacts)):
            touched = change(some, own)
            changed += len(touched)
            publish(*(ContactUpdated(business_id=business.pk, contact_id=key) for key in sorted(touched)))
        if changed and actor is not None:
            audit.record(business, actor, action, tags=[str(tag.pk) for tag in own], count=changed)
    return changed


def _insert_missing(contact_ids: Sequence[UUID], tags: Sequence[Tag]) -> set[UUID]:
    """Insert missing tags. Returns the contacts who got at least one tag."""
    has = set(
        ContactTag.objects.filter(contact_id__in=contact_ids, tag__in=tags).values_list(
            "contact_id", "tag_id"
        )
    )
    new = [(key, tag.pk) for key in contact_ids for tag in tags if (key, tag.pk) not in has]
    ContactTag.objects.bulk_create(
        [ContactTag(contact_id=key, tag_id=tag) for key, tag in new], ignore_conflicts=True
    )
    return {key for key, _ in new}


def _delete_present(contact_ids: Sequence[UUID], tags: Sequence[Tag]) -> set[UUID]:
    rows = ContactTag.objects.filter(contact_id__in=contact_ids, tag__in=tags)
    contact_ids_with_tag = set(rows.values_list("contact_id", flat=True))
    rows.delete()
    return contact_ids_with_tag


def _name(business: BusinessProfile, name: str, own: Tag | None = None) -> str:
    cleaned = printable(name)
    if not cleaned or len(cleaned) > NAME_LENGTH:
        raise InvalidInput(
            "invalid_name", f"A tag has a name of 1 to {NAME_LENGTH} characters.", field="name"
        )
    same = Tag.objects.filter(business_profile=business, name__iexact=cleaned)
    if (same.exclude(pk=own.pk) if own else same).exists():
        raise _exists(cleaned)
    return cleaned


def _exists(name: str) -> Conflict:
    return Conflict("tag_exists", f"There is a tag called {name} already.", field="name")


def _color(color: str) -> str:
    if not color:
        return ""
    try:
        COLOR(color)
    except ValidationError as error:
        raise InvalidInput("invalid_color", str(error.message), field="color") from None
    return color.lower()


def _saved(tag: Tag, name: str) -> Tag:
    """Save the tag. Raises Conflict if its name was taken concurrently."""
    try:
        with transaction.atomic():
            tag.save()
    except IntegrityError:
        raise _exists(name) from None
    return tag
