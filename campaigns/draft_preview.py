"""A campaign that is still being typed: never saved, only looked at by previews and counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from accounts.models import BusinessProfile
from campaigns import audience, reason_labels
from campaigns.forms import LETTERS, CampaignForm
from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import recipient_lists
from campaigns.services.recipient_lists import Listed
from contacts.services import consent, identities
from core.clock import now
from core.errors import NotFound
from core.phone import phone
from messaging.inbox import selectors as messaging
from messaging.models import MediaFile

LINES = 2000
"""Lines of a pasted list that are read while it is being typed; a longer one is read when it is saved."""


def empty(business: BusinessProfile) -> Campaign:
    """Everybody, no text."""
    return Campaign(business_profile=business)


def of(business: BusinessProfile, form: CampaignForm, saved: Campaign | None = None) -> Campaign:
    """As much of a campaign as the form holds already; fields that are wrong are left out. saved: what it changes."""
    given = _given(form)
    sketch = Campaign(
        business_profile=business,
        message_content=given.get("message_content", ""),
        target_type=given.get("target_type") or Campaign.Target.ALL,
        target_tags=given.get("target_tags", []),
        target_tags_all=given.get("target_tags_all", []),
        segment_id=given.get("segment_id") or None,
        earlier=form.earlier_rows.get(given.get("earlier", "")),
        media=media_of(business, form),
        variants=_variants(given) if given.get("ab_test") else [],
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
    sketch.chosen = [form.numbers_of[key] for key in given.get("connections", []) if key in form.numbers_of]
    if sketch.target_type == Campaign.Target.CUSTOM:
        listed = typed_list(business, form)
        if listed.people:
            sketch.listed = identities.find(business.pk, listed.people).values()
        elif saved is not None:
            sketch.listed = saved.people.values_list("contact_id", flat=True)
    return sketch


def _given(form: CampaignForm) -> dict[str, Any]:
    """What was typed, as far as it is right; what the form begins with before anything was."""
    return dict(getattr(form, "cleaned_data", {}) if form.is_bound else form.initial)


def _variants(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "key": letter.upper(),
            "content": given.get(f"text_{letter}", ""),
            "share": given.get(f"share_{letter}") or 0,
        }
        for letter in LETTERS
        if given.get(f"text_{letter}", "").strip()
    ]


def media_of(business: BusinessProfile, form: CampaignForm) -> MediaFile | None:
    """The file that is attached already; one that is still to be uploaded is shown by the page itself."""
    given = _given(form)
    key = given.get("attachment")
    if not key or given.get("remove_media"):
        return None
    try:
        return messaging.get_media(business, key)
    except NotFound:
        return None


def typed_list(business: BusinessProfile, form: CampaignForm) -> Listed:
    """What the numbers that are being typed say; nothing for very many."""
    lines = _given(form).get("numbers", "").splitlines()
    return recipient_lists.read(business, lines if len(lines) <= LINES else [])


@dataclass(frozen=True)
class Counts:
    """How many are in and out of what is chosen just now. known: False for what is read when it is saved."""

    total: int = 0
    out: list[tuple[str, int]] = field(default_factory=list)
    known: bool = True


def counts(business: BusinessProfile, form: CampaignForm, saved: Campaign | None = None) -> Counts:
    """A query or a few. What stands on a list and is new counts as in, unless its number has opted out before."""
    sketch = of(business, form, saved)
    found: Counter[str] = Counter()
    if sketch.target_type == Campaign.Target.CUSTOM:
        if sketch.listed is None:
            return Counts(known=False)
        found = _of_list(business, form)
    found.update(audience.counts(sketch, now()))
    total = found.pop("", 0)
    out = [(reason_labels.of_recipient(reason), count) for reason, count in found.items() if count]
    return Counts(total, sorted(out, key=lambda pair: -pair[1]))


def _of_list(business: BusinessProfile, form: CampaignForm) -> Counter[str]:
    """What the typed list adds to its known contacts: new numbers, lines that are none, lines that come twice."""
    listed = typed_list(business, form)
    known = identities.find(business.pk, listed.people)
    new = [phone.canonical(one.phone or "") for one in listed.people if one not in known]
    opted_out = len(consent.suppressed(business, new)) if new else 0
    return Counter({
        "": len(new) - opted_out,
        CampaignRecipient.Reason.OPTED_OUT.value: opted_out,
        CampaignRecipient.Reason.DUPLICATE.value: listed.repeated + len(known) - len(set(known.values())),
        "not_a_number": len(listed.invalid),
    })  # fmt: skip
