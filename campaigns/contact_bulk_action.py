"""Bulk action that adds selected contacts to the list of a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.urls import reverse

from accounts.models import BusinessProfile, User
from accounts.roles import Can
from campaigns import selectors
from campaigns.models import Campaign, CampaignPerson
from campaigns.services import drafts
from contacts.bulk import registry
from contacts.bulk.registry import BulkAction, BulkRun, Change
from core.clock import now
from core.errors import Conflict, InvalidInput, NotFound
from jobs.context import Work
from jobs.models import Job

ACTION = "campaign"
"""Name of the action, and of the form field with the campaign's id or NEW."""
NEW = "new"
MAX_OFFERED = 50
"""Latest drafts that can be chosen."""


def register() -> None:
    """Register the action; called once, in ready()."""
    registry.register(
        BulkAction(
            ACTION,
            "Add to campaign",
            "speakerphone",
            "Add to a campaign",
            add_contacts,
            prepare=prepare,
            undo=undo_add,
            capability=Can.RUN_CAMPAIGNS,
            choices=choices,
            leads_to=leads_to,
        )
    )


def choices(business: BusinessProfile) -> list[tuple[str, str]]:
    """List the choices of a new campaign and of the latest drafts; one query."""
    options = [(NEW, "A new campaign")]
    for draft in selectors.all_campaigns(business, Campaign.Status.DRAFT)[:MAX_OFFERED]:
        is_list = draft.target_type == Campaign.Target.CUSTOM
        options.append(
            (str(draft.pk), draft.name if is_list else f"{draft.name} (becomes a list of these people)")
        )
    return options


def prepare(business: BusinessProfile, actor: User, options: Mapping[str, Any]) -> dict[str, Any]:
    """Get the chosen draft, or create one with an empty list. Raises InvalidInput, Conflict."""
    campaign_id = options.get(ACTION, "")
    if campaign_id == NEW:
        today = now().astimezone(ZoneInfo(business.time_zone))
        name = f"Chosen contacts, {today.day} {today:%b %Y}"
        values = {"name": name, "target_type": Campaign.Target.CUSTOM}
        return {"campaign": str(drafts.create(business, actor, values).pk), "about": name}
    try:
        campaign = selectors.get_campaign(business, campaign_id)
    except NotFound:
        raise InvalidInput("no_campaign", "Choose a campaign that is a draft.", field=ACTION) from None
    if campaign.status != Campaign.Status.DRAFT:
        raise Conflict("not_a_draft", f"{campaign.name} is not a draft any more. Choose another campaign.")
    return {"campaign": str(campaign.pk), "about": campaign.name}


def add_contacts(run: BulkRun, ids: Sequence[UUID]) -> int:
    """Add contacts to the draft's list; a draft with another target gets one. Returns the number of new ones."""
    campaign = _lock_draft(run.business, run.params["campaign"])
    if campaign.target_type != Campaign.Target.CUSTOM:
        campaign.people.all().delete()
        campaign.target_type, campaign.list_summary = Campaign.Target.CUSTOM, {}
    on_list = set(campaign.people.filter(contact_id__in=ids).values_list("contact_id", flat=True))
    new_ids = [contact_id for contact_id in ids if contact_id not in on_list]
    CampaignPerson.objects.bulk_create(
        [CampaignPerson(campaign=campaign, contact_id=contact_id) for contact_id in new_ids]
    )
    _update_summary(campaign, len(new_ids))
    run.record((contact_id, campaign.pk) for contact_id in new_ids)
    return len(new_ids)


def undo_add(work: Work, changes: Sequence[Change]) -> int:
    """Remove contacts from the list. Returns the number of removed ones."""
    campaign = _lock_draft(work.business, work.undoes.params["campaign"])
    removed, _ = campaign.people.filter(contact_id__in=[contact for contact, _ in changes]).delete()
    _update_summary(campaign, -removed)
    return removed


def leads_to(job: Job) -> tuple[str, str]:
    """Return URL and label of the next step: editing the campaign."""
    return reverse("campaigns:edit", args=[job.params["campaign"]]), "Go on with the campaign"


def _lock_draft(business: BusinessProfile, key: str) -> Campaign:
    """Lock the draft. Raises NotFound, and Conflict if it has been started or scheduled."""
    rows = Campaign.objects.select_for_update(no_key=True, of=("self",))
    campaign = rows.filter(business_profile=business, pk=key).first()
    if campaign is None:
        raise NotFound("This campaign")
    if campaign.status != Campaign.Status.DRAFT:
        raise Conflict("not_a_draft", "The campaign is not a draft any more: its list stays as it is.")
    return campaign


def _update_summary(campaign: Campaign, change: int) -> None:
    summary = {"lines": 0, "invalid": 0, "repeated": 0, **campaign.list_summary}
    campaign.list_summary = {**summary, "lines": max(summary["lines"] + change, 0)}
    campaign.save(update_fields=["target_type", "list_summary", "updated_at"])
