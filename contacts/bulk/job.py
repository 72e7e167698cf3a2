"""One thing done with many contacts, as the job "contacts.bulk": a thousand in each transaction.

What an action changed it writes down pair by pair, so that undoing it restores exactly that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction

from contacts.bulk import registry
from contacts.bulk.registry import Pair
from contacts.bulk.selection import Chosen
from contacts.models import BulkChange
from core import failpoints
from core.clock import now
from core.db import bulk
from core.errors import DomainError, Forbidden
from jobs.context import Work
from jobs.models import Job

KIND = "contacts.bulk"
WORDS = {"changed": "Changed", "unchanged": "Were so already", "restored": "Restored"}
CHUNK = 1000


def run(work: Work) -> dict[str, Any]:
    """Do `params["action"]` with everybody chosen."""
    action = _action(work)
    chosen = Chosen(work.business, work.params, work.state.get("until"))
    done, changed = work.state.get("done", 0), work.state.get("changed", 0)
    total = work.state.get("total") or chosen.count()
    after = UUID(work.state["after"]) if "after" in work.state else None
    while not work.cancelled() and (ids := chosen.page(after, CHUNK)):
        with transaction.atomic():
            changed += action.do(work, ids)
            done, after = done + len(ids), ids[-1]
            state = {
                "done": done, "changed": changed, "total": total, "after": str(after), "until": str(chosen.until)
            }  # fmt: skip
            work.save(done=done, total=max(total, done), state=state)
        failpoints.reach("bulk.chunk")
    if action.undo is not None and changed:
        work.offer_undo()
    return {"changed": changed, "unchanged": done - changed, "notes": _notes(work, done)}


def _action(work: Work) -> registry.Many:
    """What is to be done. Raises DomainError when it cannot, or may no longer, be done."""
    try:
        action = registry.get(work.params["action"])
    except DomainError:
        message = "This version of WhatsFlow cannot do this with contacts."
        raise DomainError("unknown_action", message) from None
    if work.access is not None and not work.access.can(action.capability):
        raise Forbidden("Whoever started this is no longer allowed to do it.")
    return action


def _notes(work: Work, done: int) -> list[str]:
    return [f"Stopped after {done:,} contacts. What was done stays."] if work.was_cancelled else []


def leads_to(job: Job) -> tuple[str, str] | None:
    """Where the finished job leads, as (address, words)."""
    action = next((one for one in registry.all_actions() if one.name == job.params.get("action")), None)
    return action.leads_to(job) if action is not None and action.leads_to is not None else None


# -- undo ------------------------------------------------------------------------------------------


def write_down(job: Job, pairs: Iterable[Pair]) -> None:
    """An action of `job` did this: what an undo takes back. Within its transaction."""
    rows = [(job.pk, contact, target) for contact, target in pairs]
    bulk.insert_rows(BulkChange, ("job_id", "contact_id", "target_id"), rows)


def undo(work: Work) -> dict[str, Any]:
    """Take back what a job changed, pair by pair; what others have changed since stays."""
    action = registry.get(work.undoes.params["action"])
    if action.undo is None:
        raise DomainError("cannot_be_undone", "This cannot be undone.")
    done, restored = work.state.get("done", 0), work.state.get("restored", 0)
    changes = BulkChange.objects.filter(job=work.undoes)
    total = done + changes.count()
    while not work.cancelled():
        ids = list(changes.order_by("contact_id").values_list("contact_id", flat=True).distinct()[:CHUNK])
        pairs = list(changes.filter(contact_id__in=ids).values_list("contact_id", "target_id"))
        if not pairs:
            break
        with transaction.atomic():
            restored += action.undo(work, pairs)
            changes.filter(contact_id__in=ids).delete()
            done += len(pairs)
            work.save(done=done, total=total, state={"done": done, "restored": restored})
    return {"restored": restored}


def ended(job: Job) -> None:
    """What an undone job had written down is not needed any more."""
    if job.undoes_id is not None and job.state == Job.State.DONE:
        BulkChange.objects.filter(job_id=job.undoes_id).delete()


def prune() -> None:
    """Forget what jobs had written down that cannot be undone any more."""
    BulkChange.objects.filter(job__undo_until__lte=now()).delete()
    BulkChange.objects.filter(job__finished_at__isnull=False, job__undo_until=None).delete()
