"""Run bulk actions: as an undoable job, or at once within a request.

The job "contacts.bulk" commits a thousand contacts at a time, with the changes that an undo reverts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import BusinessProfile, User
from contacts.bulk import registry
from contacts.bulk.registry import BulkRun
from contacts.filters.contact_filter import ContactFilter
from contacts.models import BulkChange, ConsentProof
from contacts.selection import Selection, ids_of, to_params
from core import failpoints
from core.clock import now
from core.errors import DomainError, Forbidden, InvalidInput
from jobs import services as jobs
from jobs.context import Work
from jobs.models import Job

KIND = "contacts.bulk"
WORDS = {"changed": "Changed", "unchanged": "Were so already", "restored": "Restored"}
CHUNK = 1000
AT_ONCE = 1000
"""Contacts that one request may change."""


def start(
    business: BusinessProfile,
    actor: User,
    *,
    action: str,
    ids: Sequence[str | UUID] | None,
    filters: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Job:
    """Start the job. ids None: all contacts that match `filters`.

    options: of the action, like a tag's name. The job's params: {"action", "ids" or "filter"} and the checked options.
    Raises InvalidInput.
    """
    chosen = registry.get(action)
    params = {"action": action, **to_params(business, ids, filters)}
    with transaction.atomic():
        params |= chosen.prepare(business, actor, options)
        about = params.pop("about", "")
        title = f"{chosen.title}: {about}" if about else chosen.title
        return jobs.start(business, actor, KIND, params, title=title)


def run_at_once(
    business: BusinessProfile,
    actor: User,
    *,
    action: str,
    ids: Sequence[UUID] | None,
    filters: ContactFilter | None,
    options: Mapping[str, Any],
) -> int:
    """Apply an action within an API request.

    ids or filters: the contacts. Returns how many were changed. Raises NotFound, InvalidInput ("no_contacts",
    "too_many_contacts", "no_tags").
    """
    chosen = registry.get(action)
    contact_ids = _ids_at_once(business, ids, filters)
    params = chosen.prepare(business, actor, options)
    return chosen.apply(BulkRun(business, actor, params, channel=ConsentProof.How.API), contact_ids)


def _ids_at_once(
    business: BusinessProfile, ids: Sequence[UUID] | None, filters: ContactFilter | None
) -> list[UUID]:
    if (ids is None) == (filters is None):
        raise InvalidInput("no_contacts", "Say who, by `contactIds` or by `filter`.", field="contactIds")
    if filters is None:
        return ids_of(business, ids or ())
    rows = filters.apply(business).order_by()
    contact_ids = list(rows.values_list("pk", flat=True)[: AT_ONCE + 1])
    if len(contact_ids) > AT_ONCE:
        raise InvalidInput(
            "too_many_contacts",
            f"More than {AT_ONCE:,} contacts match. Narrow the filter, or use a job.",
            field="filter",
        )
    return contact_ids


def run(work: Work) -> dict[str, Any]:
    """Job handler: apply `params["action"]` to the selected contacts, chunk by chunk."""
    action = _action(work)
    selection = Selection(work.business, work.params, work.state.get("until"))
    done, changed = work.state.get("done", 0), work.state.get("changed", 0)
    total = work.state.get("total") or selection.count()
    after = UUID(work.state["after"]) if "after" in work.state else None
    bulk_run = BulkRun(work.business, work.actor, work.params, work.job)
    while not work.cancelled() and (ids := selection.page(after, CHUNK)):
        with transaction.atomic():
            changed += action.apply(bulk_run, ids)
            done, after = done + len(ids), ids[-1]
            state = {
                "done": done, "changed": changed, "total": total, "after": str(after), "until": str(selection.until)
            }  # fmt: skip
            work.save(done=done, total=max(total, done), state=state)
        failpoints.reach("bulk.chunk")
    if action.undo is not None and changed:
        work.offer_undo()
    return {"changed": changed, "unchanged": done - changed, "notes": _notes(work, done)}


def _action(work: Work) -> registry.BulkAction:
    """Return the job's action.

    Raises DomainError when it is unknown or no longer allowed.
    """
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
    """Return the link of a finished job as (address, label)."""
    action = next((one for one in registry.all_actions() if one.name == job.params.get("action")), None)
    return action.leads_to(job) if action is not None and action.leads_to is not None else None


# -- undo ------------------------------------------------------------------------------------------


def undo(work: Work) -> dict[str, Any]:
    """Job handler: revert the recorded changes of a job.

    What others have changed since stays.
    """
    action = registry.get(work.undoes.params["action"])
    if action.undo is None:
        raise DomainError("cannot_be_undone", "This cannot be undone.")
    done, restored = work.state.get("done", 0), work.state.get("restored", 0)
    recorded = BulkChange.objects.filter(job=work.undoes)
    total = done + recorded.count()
    while not work.cancelled():
        ids = list(recorded.order_by("contact_id").values_list("contact_id", flat=True).distinct()[:CHUNK])
        changes = list(recorded.filter(contact_id__in=ids).values_list("contact_id", "target_id"))
        if not changes:
            break
        with transaction.atomic():
            restored += action.undo(work, changes)
            recorded.filter(contact_id__in=ids).delete()
            done += len(changes)
            work.save(done=done, total=total, state={"done": done, "restored": restored})
    return {"restored": restored}


def ended(job: Job) -> None:
    """Delete the recorded changes of a job that has been undone."""
    if job.undoes_id is not None and job.state == Job.State.DONE:
        BulkChange.objects.filter(job_id=job.undoes_id).delete()


def prune() -> None:
    """Delete recorded changes of jobs that can no longer be undone."""
    BulkChange.objects.filter(job__undo_until__lte=now()).delete()
    BulkChange.objects.filter(job__finished_at__isnull=False, job__undo_until=None).delete()
