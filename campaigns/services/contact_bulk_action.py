"""Contacts who were chosen in the list of contacts become the audience of a draft, a thousand at a time."""

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
"""Name of the action, and of the form's field that says which campaign: its id, or NEW."""
NEW = "new"
OFFERED = 50
"""Drafts that can be chosen, the newest."""


def register() -> None:
    """Offer it in the list of contacts; called once, in ready()."""
    registry.register(
        BulkAction(
            ACTION,
            "Add to campaign",
            "speakerphone",
            "Add to a campaign",
            add,
            prepare=prepare,
            undo=take_out,
            capability=Can.RUN_CAMPAIGNS,
            choices=choices,
            leads_to=leads_to,
        )
    )


def choices(business: BusinessProfile) -> list[tuple[str, str]]:
    """A new campaign, and the drafts that there are; one query."""
    found = [(NEW, "A new campaign")]
    for one in selectors.all_campaigns(business, Campaign.Status.DRAFT)[:OFFERED]:
        is_list = one.target_type == Campaign.Target.CUSTOM
        found.append((str(one.pk), one.name if is_list else f"{one.name} (becomes a list of these people)"))
    return found


def prepare(business: BusinessProfile, actor: User, options: Mapping[str, Any]) -> dict[str, Any]:
    """Which campaign; a new one is made, with its list still empty. Raises InvalidInput."""
    wanted = options.get(ACTION, "")
    if wanted == NEW:
        today = now().astimezone(ZoneInfo(business.time_zone))
        name = f"Chosen contacts, {today.day} {today:%b %Y}"
        values = {"name": name, "target_type": Campaign.Target.CUSTOM}
        return {"campaign": str(drafts.create(business, actor, values).pk), "about": name}
    try:
        campaign = selectors.get_campaign(business, wanted)
    except NotFound:
        raise InvalidInput("no_campaign", "Choose a campaign that is a draft.", field=ACTION) from None
    if campaign.status != Campaign.Status.DRAFT:
        raise Conflict("not_a_draft", f"{campaign.name} is not a draft any more. Choose another campaign.")
    return {"campaign": str(campaign.pk), "about": campaign.name}


def add(run: BulkRun, ids: Sequence[UUID]) -> int:
    """Put them on the draft's list; a draft for others than a list gets one. Returns how many were not on it."""
    campaign = _draft(run.business, run.params["campaign"])
    if campaign.target_type != Campaign.Target.CUSTOM:
        campaign.people.all().delete()
        campaign.target_type, campaign.list_summary = Campaign.Target.CUSTOM, {}
    there = set(campaign.people.filter(contact_id__in=ids).values_list("contact_id", flat=True))
    new = [key for key in ids if key not in there]
    CampaignPerson.objects.bulk_create([CampaignPerson(campaign=campaign, contact_id=key) for key in new])
    _count(campaign, len(new))
    run.record((key, campaign.pk) for key in new)
    return len(new)


def take_out(work: Work, changes: Sequence[Change]) -> int:
    """Off the list again. Returns how many were still on it."""
    campaign = _draft(work.business, work.undoes.params["campaign"])
    gone, _ = campaign.people.filter(contact_id__in=[contact for contact, _ in changes]).delete()
    _count(campaign, -gone)
    return gone


def leads_to(job: Job) -> tuple[str, str]:
    """To the text of the campaign."""
    return reverse("campaigns:edit", args=[job.params["campaign"]]), "Go on with the campaign"


def _draft(business: BusinessProfile, key: str) -> Campaign:
    """Locked. Raises NotFound, and Conflict when it has been started or scheduled meanwhile."""
    rows = Campaign.objects.select_for_update(no_key=True, of=("self",))
    campaign = rows.filter(business_profile=business, pk=key).first()
    if campaign is None:
        raise NotFound("This campaign")
    if campaign.status != Campaign.Status.DRAFT:
        raise Conflict("not_a_draft", "The campaign is not a draft any more: its list stays as it is.")
    return campaign


def _count(campaign: Campaign, change: int) -> None:
    summary = {"lines": 0, "invalid": 0, "repeated": 0, **campaign.list_summary}
    campaign.list_summary = {**summary, "lines": max(summary["lines"] + change, 0)}
    campaign.save(update_fields=["target_type", "list_summary", "updated_at"])
