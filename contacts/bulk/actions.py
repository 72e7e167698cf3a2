"""What contacts itself can do with many: put on and take off a tag, opt out, delete."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from accounts.models import BusinessProfile, User
from contacts.bulk import registry
from contacts.bulk.job import write_down
from contacts.bulk.registry import Many, Pair
from contacts.models import ContactTag, Tag
from contacts.services import consent, tags
from contacts.services import contacts as verbs
from core.errors import InvalidInput
from core.text import printable
from jobs.context import Work


def register() -> None:
    """Make them known; called once, in ready()."""
    for action in (
        Many("tag", "Tag", "tag", "Tag contacts", _tag, prepare=_prepare_tag, undo=_undo_tag),
        Many("untag", "Untag", "tags", "Untag contacts", _untag, prepare=_prepare_untag, undo=_undo_untag),
        Many("opt_out", "Opt out", "hand-stop", "Opt contacts out", _opt_out, undo=_undo_opt_out),
        Many("delete", "Delete", "trash", "Delete contacts", _delete),
    ):
        registry.register(action)


# -- tags ------------------------------------------------------------------------------------------


def _prepare_tag(business: BusinessProfile, actor: User, given: Mapping[str, str]) -> dict[str, Any]:
    """The tag of this name; made if it is new."""
    found = tags.find_or_create(business, actor, [given.get("tag", "")])
    return {"tags": [str(one.pk) for one in found], "about": found[0].name}


def _prepare_untag(business: BusinessProfile, actor: User, given: Mapping[str, str]) -> dict[str, Any]:
    """The tag of this name. Raises InvalidInput when there is none."""
    name = printable(given.get("tag", ""))
    found = Tag.objects.filter(business_profile=business, name__iexact=name).first()
    if found is None:
        raise InvalidInput("unknown_tag", "There is no tag of this name to take off.", field="tag")
    return {"tags": [str(found.pk)], "about": found.name}


def _tag(work: Work, ids: Sequence[UUID]) -> int:
    chosen = _tags(work)
    there = _pairs(ids, chosen)
    write_down(work.job, [(key, one.pk) for key in ids for one in chosen if (key, one.pk) not in there])
    return tags.add(work.business, ids, chosen)


def _untag(work: Work, ids: Sequence[UUID]) -> int:
    chosen = _tags(work)
    write_down(work.job, sorted(_pairs(ids, chosen)))
    return tags.remove(work.business, ids, chosen)


def _tags(work: Work) -> list[Tag]:
    rows = list(Tag.objects.filter(business_profile=work.business, pk__in=work.params["tags"]))
    if not rows:
        raise InvalidInput("tag_gone", "The tag has been deleted. Nothing was changed.")
    return rows


def _pairs(ids: Sequence[UUID], chosen: Sequence[Tag]) -> set[Pair]:
    rows = ContactTag.objects.filter(contact_id__in=ids, tag__in=chosen)
    return set(rows.values_list("contact_id", "tag_id"))


def _undo_tag(work: Work, pairs: Sequence[Pair]) -> int:
    return sum(tags.remove(work.business, ids, [tag]) for tag, ids in _by_tag(work.business, pairs))


def _undo_untag(work: Work, pairs: Sequence[Pair]) -> int:
    return sum(tags.add(work.business, ids, [tag]) for tag, ids in _by_tag(work.business, pairs))


def _by_tag(business: BusinessProfile, pairs: Sequence[Pair]) -> Iterable[tuple[Tag, list[UUID]]]:
    """The tags that are still there, with their contacts."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for contact, tag in pairs:
        found[tag].append(contact)
    rows = Tag.objects.filter(business_profile=business).in_bulk(list(found))
    return [(tag, found[key]) for key, tag in rows.items()]


# -- opting out and deleting -----------------------------------------------------------------------


def _opt_out(work: Work, ids: Sequence[UUID]) -> int:
    proofs = consent.opt_out_with_proofs(work.business, ids, how=consent.How.TEAM, actor=work.actor)
    write_down(work.job, proofs.items())
    return len(proofs)


def _undo_opt_out(work: Work, pairs: Sequence[Pair]) -> int:
    """Let in again whoever is out by this job alone: nothing was said about them since."""
    ids = consent.out_by(work.business, dict(pairs))
    note = f"Undone: {work.undoes}"
    return consent.opt_in(work.business, ids, how=consent.How.TEAM, actor=work.actor, note=note)


def _delete(work: Work, ids: Sequence[UUID]) -> int:
    return verbs.delete(work.business, ids, work.actor)
