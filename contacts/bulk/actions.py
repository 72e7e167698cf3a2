"""The bulk actions of this app: tags, consent, blocking, deletion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from accounts.models import BusinessProfile, User
from contacts.bulk import registry
from contacts.bulk.registry import BulkAction, BulkRun, Change
from contacts.models import ContactTag, Tag
from contacts.selectors import get_tag
from contacts.services import consent, contacts, tags
from core.errors import InvalidInput
from core.text import printable
from jobs.context import Work


def register() -> None:
    """Register the actions; called once, in ready()."""
    for action in (
        BulkAction("tag", "Tag", "tag", "Tag contacts", _tag, prepare=_prepare_tag, undo=_undo_tag),
        BulkAction(
            "untag", "Untag", "tags", "Untag contacts", _untag, prepare=_prepare_untag, undo=_undo_untag
        ),
        BulkAction("opt_out", "Opt out", "hand-stop", "Opt contacts out", _opt_out, undo=_undo_opt_out),
        BulkAction("opt_in", "Opt in", "thumb-up", "Opt contacts in", _opt_in, on_page=False),
        BulkAction("block", "Block", "ban", "Block contacts", _block, on_page=False),
        BulkAction("unblock", "Unblock", "ban", "Unblock contacts", _unblock, on_page=False),
        BulkAction("delete", "Delete", "trash", "Delete contacts", _delete),
    ):
        registry.register(action)


# -- tags ------------------------------------------------------------------------------------------


def _prepare_tag(business: BusinessProfile, actor: User, options: Mapping[str, Any]) -> dict[str, Any]:
    """Find the tags by `tag_ids`, or the tag called `tag`, created if new."""
    if "tag_ids" in options:
        return _tags_by_id(business, options["tag_ids"])
    (tag,) = tags.find_or_create(business, actor, [options.get("tag", "")])
    return {"tags": [str(tag.pk)], "about": tag.name}


def _prepare_untag(business: BusinessProfile, actor: User, options: Mapping[str, Any]) -> dict[str, Any]:
    """Find the tags by `tag_ids`, or the tag called `tag`.

    Raises InvalidInput when there is none.
    """
    if "tag_ids" in options:
        return _tags_by_id(business, options["tag_ids"])
    name = printable(options.get("tag", ""))
    tag = Tag.objects.filter(business_profile=business, name__iexact=name).first()
    if tag is None:
        raise InvalidInput("unknown_tag", "There is no tag of this name to take off.", field="tag")
    return {"tags": [str(tag.pk)], "about": tag.name}


def _tags_by_id(business: BusinessProfile, tag_ids: Sequence[UUID]) -> dict[str, Any]:
    if not tag_ids:
        raise InvalidInput("no_tags", "Say which tags, by `tagIds`.", field="tagIds")
    chosen = [get_tag(business, tag_id) for tag_id in tag_ids]
    return {"tags": [str(tag.pk) for tag in chosen], "about": ", ".join(tag.name for tag in chosen)}


def _tag(run: BulkRun, ids: Sequence[UUID]) -> int:
    chosen = _tags(run)
    if run.job is None:
        return tags.add(run.business, ids, chosen, run.actor)
    carried = _carried(ids, chosen)
    run.record((key, tag.pk) for key in ids for tag in chosen if (key, tag.pk) not in carried)
    return tags.add(run.business, ids, chosen)  # the start of the job is in the audit log


def _untag(run: BulkRun, ids: Sequence[UUID]) -> int:
    chosen = _tags(run)
    if run.job is None:
        return tags.remove(run.business, ids, chosen, run.actor)
    run.record(sorted(_carried(ids, chosen)))
    return tags.remove(run.business, ids, chosen)


def _tags(run: BulkRun) -> list[Tag]:
    rows = list(Tag.objects.filter(business_profile=run.business, pk__in=run.params["tags"]))
    if not rows:
        raise InvalidInput("tag_gone", "The tag has been deleted. Nothing was changed.")
    return rows


def _carried(ids: Sequence[UUID], chosen: Sequence[Tag]) -> set[Change]:
    """Return which of the contacts carry which of the tags."""
    rows = ContactTag.objects.filter(contact_id__in=ids, tag__in=chosen)
    return set(rows.values_list("contact_id", "tag_id"))


def _undo_tag(work: Work, changes: Sequence[Change]) -> int:
    return sum(tags.remove(work.business, ids, [tag]) for tag, ids in _by_tag(work.business, changes))


def _undo_untag(work: Work, changes: Sequence[Change]) -> int:
    return sum(tags.add(work.business, ids, [tag]) for tag, ids in _by_tag(work.business, changes))


def _by_tag(business: BusinessProfile, changes: Sequence[Change]) -> Iterable[tuple[Tag, list[UUID]]]:
    """Group the contacts by tag. Tags that are deleted are left out."""
    contact_ids: dict[UUID, list[UUID]] = defaultdict(list)
    for contact_id, tag_id in changes:
        contact_ids[tag_id].append(contact_id)
    rows = Tag.objects.filter(business_profile=business).in_bulk(list(contact_ids))
    return [(tag, contact_ids[key]) for key, tag in rows.items()]


# -- consent, blocking and deletion ----------------------------------------------------------------


def _opt_out(run: BulkRun, ids: Sequence[UUID]) -> int:
    proofs = consent.opt_out_with_proofs(run.business, ids, how=run.channel, actor=run.actor)
    run.record(proofs.items())
    return len(proofs)


def _undo_opt_out(work: Work, changes: Sequence[Change]) -> int:
    """Opt in the contacts whose last consent proof is that of the undone job."""
    ids = consent.opted_out_by(work.business, dict(changes))
    note = f"Undone: {work.undoes}"
    return consent.opt_in(work.business, ids, how=consent.How.TEAM, actor=work.actor, note=note)


def _opt_in(run: BulkRun, ids: Sequence[UUID]) -> int:
    return consent.opt_in(run.business, ids, how=run.channel, actor=run.actor)


def _block(run: BulkRun, ids: Sequence[UUID]) -> int:
    return contacts.block(run.business, ids, run.actor)


def _unblock(run: BulkRun, ids: Sequence[UUID]) -> int:
    return contacts.unblock(run.business, ids, run.actor)


def _delete(run: BulkRun, ids: Sequence[UUID]) -> int:
    return contacts.delete(run.business, ids, run.actor)
