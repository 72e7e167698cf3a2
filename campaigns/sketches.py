"""A campaign that is still being typed: never saved, only looked at by previews and counts."""

from __future__ import annotations

from typing import Any

from accounts.models import BusinessProfile
from campaigns import audience, reasons
from campaigns.forms import LETTERS, CampaignForm
from campaigns.models import Campaign
from whatsflow.core.clock import now


def empty(business: BusinessProfile) -> Campaign:
    """Everybody, no text."""
    return Campaign(business_profile=business)


def of(business: BusinessProfile, form: CampaignForm) -> Campaign:
    """As much of a campaign as the form holds already; fields that are wrong are left out."""
    given: dict[str, Any] = getattr(form, "cleaned_data", {})
    sketch = Campaign(
        business_profile=business,
        message_content=given.get("message_content", ""),
        target_type=given.get("target_type") or Campaign.Target.ALL,
        target_tags=given.get("target_tags", []),
        target_tags_all=given.get("target_tags_all", []),
        segment_id=given.get("segment_id") or None,
        earlier=form.earlier_rows.get(given.get("earlier", "")),
        exclusions={
            name: given[key]
            for name, key in (
                ("tags", "without_tags"),
                ("campaigns", "without_campaigns"),
                ("never_wrote", "never_wrote"),
            )
            if given.get(key)
        },
    )
    if given.get("ab_test"):
        sketch.variants = [
            {
                "key": letter.upper(),
                "content": given.get(f"text_{letter}", ""),
                "share": given.get(f"share_{letter}") or 0,
            }
            for letter in LETTERS
            if given.get(f"text_{letter}", "").strip()
        ]
    return sketch


def counts(business: BusinessProfile, form: CampaignForm) -> dict[str, Any]:
    """{"total", "out": [(words, count)], "known"}; known: False for a list that is not read before it is saved."""
    sketch = of(business, form)
    if sketch.target_type == Campaign.Target.CUSTOM:
        return {"known": False, "total": 0, "out": []}
    found = audience.counts(sketch, now())
    out = [(reasons.of_recipient(reason), count) for reason, count in found.items() if reason]
    return {"known": True, "total": found.get("", 0), "out": sorted(out, key=lambda pair: -pair[1])}
