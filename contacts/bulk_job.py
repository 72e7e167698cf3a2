"""One thing done with many contacts, as the job "contacts.bulk": a thousand in each transaction.

What putting on and taking off tags changed is written down pair by pair, so that undoing it restores exactly that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import BusinessProfile
from contacts.chosen import Chosen
from contacts.exporting import job as exporting
from contacts.models import BulkChange, ContactTag, Tag
from contacts.services import consent, tags
from contacts.services import contacts as verbs
from jobs.models import Job
from jobs.work import Work
from whatsflow.core import bulk, failpoints
from whatsflow.core.errors import InvalidInput

KIND = "contacts.bulk"
WORDS = {"changed": "Changed", "unchanged": "Were so already", "exported": "Exported", "restored": "Restored"}
CHUNK = 1000
UNDOABLE = frozenset({"tag", "untag"})
GONE = "The tag has been deleted. Nothing was changed."

Action = Callable[[Work, Sequence[UUID]], int]
"""Does it with some contacts, within a transaction, and returns how many it changed."""

_actions: dict[str, Action] = {}


def register_action(name: str, action: Action) -> None:
    """Let jobs of this kind do something more with contacts (apps above register theirs in ready())."""
    _actions[name] = action


def run(work: Work) -> dict[str, Any]:
    """Do `params["action"]` with everybody chosen."""
    if work.params["action"] == "export":
        return exporting.run(work)
    action = _actions.get(work.params["action"])
    if action is None:
        raise InvalidInput("unknown_action", "This version of WhatsFlow cannot do this with contacts.")
    chosen = Chosen(work.business, work.params, work.state.get("until"))
    done, changed = work.state.get("done", 0), work.state.get("changed", 0)
    total = work.state.get("total") or chosen.count()
    after = UUID(work.state["after"]) if "after" in work.state else None
    while not work.cancelled() and (ids := chosen.page(after, CHUNK)):
        with transaction.atomic():
            changed += action(work, ids)
            done, after = done + len(ids), ids[-1]
            state = {
                "done": done, "changed": changed, "total": total, "after": str(after), "until": str(chosen.until)
            }  # fmt: skip
            work.save(done=done, total=max(total, done), state=state)
        failpoints.reach("bulk.chunk")
    if work.params["action"] in UNDOABLE and changed:
        work.offer_undo()
    return {"changed": changed, "unchanged": done - changed, "notes": _notes(work, done)}


def _notes(work: Work, done: int) -> list[str]:
    return [f"Stopped after {done:,} contacts. What was done stays."] if work.was_cancelled else []


# -- what can be done ------------------------------------------------------------------------------


def _tags(work: Work) -> list[Tag]:
    rows = list(Tag.objects.filter(business_profile=work.business, pk__in=work.params["tags"]))
    if not rows:
        raise InvalidInput("tag_gone", GONE)
    return rows


def _tag(work: Work, ids: Sequence[UUID]) -> int:
    chosen = _tags(work)
    there = _pairs(ids, chosen)
    missing = [(key, one.pk) for key in ids for one in chosen if (key, one.pk) not in there]
    _write_down(work.job, missing)
    return tags.add(work.business, ids, chosen)


def _untag(work: Work, ids: Sequence[UUID]) -> int:
    chosen = _tags(work)
    _write_down(work.job, sorted(_pairs(ids, chosen)))
    return tags.remove(work.business, ids, chosen)


def _pairs(ids: Sequence[UUID], chosen: Sequence[Tag]) -> set[tuple[UUID, UUID]]:
    rows = ContactTag.objects.filter(contact_id__in=ids, tag__in=chosen)
    return set(rows.values_list("contact_id", "tag_id"))


def _write_down(job: Job, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    bulk.insert_rows(
        BulkChange, ("job_id", "contact_id", "tag_id"), [(job.pk, contact, tag) for contact, tag in pairs]
    )


def _opt_out(work: Work, ids: Sequence[UUID]) -> int:
    return consent.opt_out(work.business, ids, how=consent.How.TEAM, actor=work.actor)


def _block(work: Work, ids: Sequence[UUID]) -> int:
    return verbs.block(work.business, ids, work.actor)


def _unblock(work: Work, ids: Sequence[UUID]) -> int:
    return verbs.unblock(work.business, ids, work.actor)


def _delete(work: Work, ids: Sequence[UUID]) -> int:
    return verbs.delete(work.business, ids, work.actor)


register_action("tag", _tag)
register_action("untag", _untag)
register_action("opt_out", _opt_out)
register_action("block", _block)
register_action("unblock", _unblock)
register_action("delete", _delete)


# -- undo ------------------------------------------------------------------------------------------


def undo(work: Work) -> dict[str, Any]:
    """Take back what a job with tags changed, pair by pair; what others have changed since stays."""
    forget = work.undoes.params["action"] == "tag"
    done, restored = work.state.get("done", 0), work.state.get("restored", 0)
    changes = BulkChange.objects.filter(job=work.undoes)
    total = done + changes.count()
    while not work.cancelled():
        ids = list(changes.order_by("contact_id").values_list("contact_id", flat=True).distinct()[:CHUNK])
        pairs = list(changes.filter(contact_id__in=ids).values_list("contact_id", "tag_id"))
        if not pairs:
            break
        with transaction.atomic():
            restored += _restore(work.business, pairs, forget)
            changes.filter(contact_id__in=ids).delete()
            done += len(pairs)
            work.save(done=done, total=total, state={"done": done, "restored": restored})
    return {"restored": restored}


def _restore(business: BusinessProfile, pairs: Sequence[tuple[UUID, UUID]], forget: bool) -> int:
    """Take tags off again, or put them on again where contact and tag still exist."""
    count = 0
    own = {
        one.pk: one for one in Tag.objects.filter(business_profile=business, pk__in={tag for _, tag in pairs})
    }
    for key, tag in own.items():
        ids = [contact for contact, one in pairs if one == key]
        change = tags.remove if forget else tags.add
        count += change(business, ids, [tag])
    return count


def ended(job: Job) -> None:
    """What an undone job had written down is not needed any more."""
    if job.undoes_id is not None and job.state == Job.State.DONE:
        BulkChange.objects.filter(job_id=job.undoes_id).delete()
