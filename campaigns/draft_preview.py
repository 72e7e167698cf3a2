"""Unsaved campaign built from a form, with live counts of its audience and previews of its texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from accounts.models import BusinessProfile
from campaigns import audience, reason_labels, texts
from campaigns.forms import LETTERS, CampaignForm
from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import recipient_lists
from campaigns.services.outbox_feeder import known_variables
from campaigns.services.recipient_lists import ParsedList
from contacts.models import Contact
from contacts.services import consent, identities
from core.clock import now
from core.errors import NotFound
from core.phone import phone
from messaging.media import media_files
from messaging.models import MediaFile

NO_DATA = "somebody of whom nothing is known"
MAX_LINES = 2000
"""Lines of a list that are parsed while it is being typed; a longer list is parsed when it is saved."""


def build(business: BusinessProfile, form: CampaignForm, saved: Campaign | None = None) -> Campaign:
    """Build an unsaved campaign from the valid fields of a form. saved: the draft that the form edits."""
    typed = _form_values(form)
    draft = Campaign(
        business_profile=business,
        message_content=typed.get("message_content", ""),
        target_type=typed.get("target_type") or Campaign.Target.ALL,
        target_tags=typed.get("target_tags", []),
        target_tags_all=typed.get("target_tags_all", []),
        segment_id=typed.get("segment_id") or None,
        earlier=form.earlier_rows.get(typed.get("earlier", "")),
        media=media_of(business, form),
        variants=_variants(typed) if typed.get("ab_test") else [],
        exclusions={
            name: typed[key]
            for name, key in (
                ("tags", "without_tags"),
                ("campaigns", "without_campaigns"),
                ("never_wrote", "never_wrote"),
            )
            if typed.get(key)
        },
    )
    draft.chosen = [form.numbers_of[key] for key in typed.get("connections", []) if key in form.numbers_of]
    if draft.target_type == Campaign.Target.CUSTOM:
        listed = typed_list(business, form)
        if listed.people:
            draft.listed = identities.find(business.pk, listed.people).values()
        elif saved is not None:
            draft.listed = saved.people.values_list("contact_id", flat=True)
    return draft


def _form_values(form: CampaignForm) -> dict[str, Any]:
    """Return the valid values of a bound form, else the initial ones."""
    return dict(getattr(form, "cleaned_data", {}) if form.is_bound else form.initial)


def _variants(typed: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "key": letter.upper(),
            "content": typed.get(f"text_{letter}", ""),
            "share": typed.get(f"share_{letter}") or 0,
        }
        for letter in LETTERS
        if typed.get(f"text_{letter}", "").strip()
    ]


def media_of(business: BusinessProfile, form: CampaignForm) -> MediaFile | None:
    """Get the stored attachment of the form; the page itself shows a file that is not uploaded yet."""
    typed = _form_values(form)
    key = typed.get("attachment")
    if not key or typed.get("remove_media"):
        return None
    try:
        return media_files.get_media(business, key)
    except NotFound:
        return None


def typed_list(business: BusinessProfile, form: CampaignForm) -> ParsedList:
    """Parse the typed phone numbers; an empty list if there are more than MAX_LINES."""
    lines = _form_values(form).get("numbers", "").splitlines()
    return recipient_lists.parse(business, lines if len(lines) <= MAX_LINES else [])


@dataclass(frozen=True)
class Counts:
    """Number of included and excluded contacts. known: False if the list is parsed only when it is saved."""

    total: int = 0
    out: list[tuple[str, int]] = field(default_factory=list)
    known: bool = True


def counts(business: BusinessProfile, form: CampaignForm, saved: Campaign | None = None) -> Counts:
    """Count the form's audience; a few queries. A new number counts as included unless it has opted out."""
    draft = build(business, form, saved)
    by_reason: Counter[str] = Counter()
    if draft.target_type == Campaign.Target.CUSTOM:
        if draft.listed is None:
            return Counts(known=False)
        by_reason = _count_list(business, form)
    by_reason.update(audience.count_by_reason(draft, now()))
    total = by_reason.pop("", 0)
    out = [(reason_labels.of_recipient(reason), count) for reason, count in by_reason.items() if count]
    return Counts(total, sorted(out, key=lambda pair: -pair[1]))


def _count_list(business: BusinessProfile, form: CampaignForm) -> Counter[str]:
    """Count what a typed list adds to its known contacts: new, invalid and repeated numbers."""
    listed = typed_list(business, form)
    known = identities.find(business.pk, listed.people)
    new = [phone.canonical(person.phone or "") for person in listed.people if person not in known]
    opted_out = len(consent.suppressed(business, new)) if new else 0
    return Counter({
        "": len(new) - opted_out,
        CampaignRecipient.Reason.OPTED_OUT.value: opted_out,
        CampaignRecipient.Reason.DUPLICATE.value: listed.repeated + len(known) - len(set(known.values())),
        "not_a_number": len(listed.invalid),
    })  # fmt: skip


# -- previews of texts -------------------------------------------------------------------------------------------------


def preview_contacts(campaign: Campaign, count: int = 3) -> list[Contact]:
    """Pick contacts of the audience for previews: those with the longest names, and one without a name.

    Returns an unsaved contact without data if the audience is empty.
    """
    rows = audience.with_reason(campaign, now()).filter(reason="").order_by("pk")
    named = sorted(rows.exclude(name="", push_name="")[:200], key=lambda contact: -len(contact.display_name))
    nameless = list(rows.filter(name="", push_name="")[:1]) if count > 1 else []
    contacts: list[Contact] = named[: count - len(nameless)] + nameless
    return contacts or [Contact(business_profile=campaign.business_profile)]


def preview_texts(campaign: Campaign, contacts: list[Contact]) -> list[tuple[str, str, str]]:
    """Render the text, or every variant, for each contact. Returns (variant, contact, text)."""
    known = known_variables(campaign)
    variants = [(str(variant["key"]), str(variant["content"])) for variant in campaign.variants]
    previews = []
    for key, text in variants or [("", campaign.message_content)]:
        for contact in contacts:
            values = texts.values_of(contact, campaign.business_profile.business_name)
            label = NO_DATA if contact._state.adding else contact.display_name
            previews.append((key, label, texts.render(text, values, known)))
    return previews
