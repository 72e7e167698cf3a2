"""Health rules that pause a campaign: failures in a row, a bad list, opt-outs, a limited or banned number."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import transitions
from campaigns.services.recipient_states import Outcome
from connections.events import ConnectionStatusChanged
from messaging.models import Message

Reason = Campaign.Reason
MAX_FAILURES_IN_A_ROW = 3
MAX_NOT_ON_WHATSAPP = 0.05
"""Share of the recipients tried."""
MAX_OPT_OUTS = 0.02
"""Share of the messages sent."""
MIN_TRIED = 20
"""Recipients tried before the share that is not on WhatsApp is meaningful."""
MIN_SENT = 50
"""Messages sent before the share of opt-outs is meaningful."""
BAD_NUMBER = {"limited": Reason.LIMITED, "banned": Reason.BANNED}


def after_failures(outcome: Outcome) -> None:
    """Pause sending campaigns whose numbers fail in a row or whose list has too many unknown numbers."""
    numbers = {row.connection_id for row in outcome.failed if row.connection_id}
    using = Campaign.objects.filter(status=Campaign.Status.SENDING, connections__in=numbers)
    failing = {row.campaign_id for row in outcome.failed}
    for campaign in using.distinct().order_by("pk"):
        own = numbers & {number.pk for number in campaign.connections.only("pk")}
        if any(_fails_in_a_row(campaign, number_id) for number_id in own):
            transitions.pause_by_rule(campaign, Reason.FAILURES)
        elif campaign.pk in failing and _bad_list(campaign):
            transitions.pause_by_rule(campaign, Reason.NOT_ON_WHATSAPP)


def _fails_in_a_row(campaign: Campaign, connection_id: UUID) -> bool:
    """Return whether the number's last campaign messages all failed for reasons other than the recipients'.

    Messages before a person resumed this campaign do not count for it.
    """
    rows = Message.objects.filter(
        connection_id=connection_id, origin=Message.Origin.CAMPAIGN, sending_since__isnull=False
    ).exclude(status=Message.Status.SENDING)
    if since := campaign.resumed_at or campaign.started_at:
        rows = rows.filter(sending_since__gte=since)
    latest = list(rows.order_by("-sending_since").values_list("status", "error_code")[:MAX_FAILURES_IN_A_ROW])
    bad = [status == Message.Status.FAILED and code != "not_on_whatsapp" for status, code in latest]
    return len(bad) == MAX_FAILURES_IN_A_ROW and all(bad)


def _bad_list(campaign: Campaign) -> bool:
    base = campaign.health_base
    tried = campaign.sent_count + campaign.failed_count - int(base.get("tried", 0))
    unknown = not_on_whatsapp(campaign) - int(base.get("not_on_whatsapp", 0))
    return tried >= MIN_TRIED and unknown > MAX_NOT_ON_WHATSAPP * tried


def not_on_whatsapp(campaign: Campaign) -> int:
    """Count recipients whose number is not on WhatsApp."""
    rows = CampaignRecipient.objects.filter(campaign=campaign, status=CampaignRecipient.Status.FAILED)
    return rows.filter(reason="not_on_whatsapp").count()


def after_opt_outs(outcome: Outcome) -> None:
    """Pause sending campaigns after which too many contacts opted out."""
    for campaign in Campaign.objects.filter(pk__in=list(outcome.changes), status=Campaign.Status.SENDING):
        base = campaign.health_base
        sent = campaign.sent_count - int(base.get("sent", 0))
        opt_outs = campaign.opted_out_count - int(base.get("opted_out", 0))
        if sent >= MIN_SENT and opt_outs > MAX_OPT_OUTS * sent:
            transitions.pause_by_rule(campaign, Reason.OPT_OUTS)


def baseline(campaign: Campaign) -> dict[str, int]:
    """Return the counters from which the rules count after a person has resumed the campaign."""
    return {
        "tried": campaign.sent_count + campaign.failed_count,
        "not_on_whatsapp": not_on_whatsapp(campaign),
        "sent": campaign.sent_count,
        "opted_out": campaign.opted_out_count,
    }


def on_connection(batch: Sequence[ConnectionStatusChanged]) -> None:
    """Pause the campaigns of a number that WhatsApp limits or bans."""
    for event in batch:
        reason = BAD_NUMBER.get(event.reason)
        if reason is None:
            continue
        running = Campaign.objects.filter(status=Campaign.Status.SENDING, connections=event.connection_id)
        for campaign in running:
            transitions.pause_by_rule(campaign, reason)
