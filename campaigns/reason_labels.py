"""Texts for the reasons why a campaign is paused or not sent and why recipients are excluded."""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.models import Campaign, CampaignRecipient

Reason = Campaign.Reason


@dataclass(frozen=True)
class Explanation:
    """Explanation of a campaign's status. next_step: what the person can do about it."""

    title: str
    text: str
    next_step: str


CAMPAIGN: dict[str, Explanation] = {
    Reason.PERSON: Explanation(
        "Paused",
        "Somebody of your team paused it. Nothing more leaves until it is resumed.",
        "Press Resume to go on.",
    ),
    Reason.FAILURES: Explanation(
        "Paused: three failures in a row",
        "The last three messages of one number failed, so the rest waits instead of failing too.",
        "Look at the reasons in the ledger and at the number's page. When it works again, press Resume, then Retry "
        "failed.",
    ),
    Reason.NOT_ON_WHATSAPP: Explanation(
        "Paused: many are not on WhatsApp",
        "More than 5 % of the people tried so far are not on WhatsApp. Such lists get numbers banned.",
        "Check where the list comes from. Press Resume if you are sure that the rest is better.",
    ),
    Reason.OPT_OUTS: Explanation(
        "Paused: many opt out",
        "More than 2 % of those who got it asked not to be written to any more.",
        "Think about the text and the audience first. Press Resume only if you still want to send it.",
    ),
    Reason.LIMITED: Explanation(
        "Paused: the number is limited",
        "WhatsApp limits what one of its numbers may send. Going on would make it worse.",
        "Wait until the number's page says that it is connected again, better a day longer; then press Resume.",
    ),
    Reason.BANNED: Explanation(
        "Paused: the number is banned",
        "WhatsApp has banned one of its numbers.",
        "Ask WhatsApp for a review on the phone. If the campaign has other numbers, Resume lets them go on with those "
        "who still wait; otherwise cancel it and write to those who missed it from another number.",
    ),
    Reason.NO_NUMBER: Explanation(
        "No number can send it",
        "None of its numbers is left: they were deleted or banned.",
        "Cancel it if it is not over; then make a new campaign for those who missed it, with another number.",
    ),
    Reason.MISSED: Explanation(
        "Not sent: its time has passed",
        "The server was off when it was due, and it would have come too late. It was not sent to anybody.",
        "Duplicate it and choose another time.",
    ),
    Reason.OLD_DATA: Explanation(
        "On hold: the data may be old",
        "WhatsFlow was off for long, or its data was restored from a backup. Some people may have got this already, "
        "although the ledger does not know it.",
        "Compare with the phone. Resume it, or schedule it again, only if nobody gets it twice.",
    ),
    Reason.NOBODY: Explanation(
        "Not sent: nobody in the audience",
        "When its time came, nobody was left to send it to.",
        "Duplicate it and look at the dry run for the reasons.",
    ),
    Reason.INCOMPLETE: Explanation(
        "Not sent: something it needs is gone",
        "When its time came, its text, its file, a tag or its segment was not there any more.",
        "Duplicate it, put in what is missing, and send it again.",
    ),
}

RECIPIENT: dict[str, str] = {
    **{value: str(label) for value, label in CampaignRecipient.Reason.choices if value},
    "not_on_whatsapp": "This number is not on WhatsApp",
    "not_a_number": "Not a phone number",
    "number_deleted": "The number that should have sent it was deleted",
    "number_banned": "WhatsApp banned the number that should have sent it",
    "too_late": "The time for it had passed",
    "not_confirmed": "WhatsApp did not confirm it; it may have arrived",
    "refused": "WhatsApp refused it",
    "media_missing": "The file is gone",
}


def of_campaign(campaign: Campaign) -> Explanation | None:
    """Explain the campaign's status; None if there is nothing to explain."""
    return CAMPAIGN.get(campaign.status_reason)


def of_recipient(reason: str) -> str:
    """Return the label of a recipient's reason; unknown codes are shown as they are."""
    return RECIPIENT.get(reason, reason.replace("_", " ").capitalize())
