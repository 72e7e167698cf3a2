"""When a campaign stops by itself: failures in a row, a bad list, people who leave, a number in trouble."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import transitions
from campaigns.services.recipient_states import Outcome
from connections.events import ConnectionStatusChanged
from messaging.models import Message

Reason = Campaign.Reason
IN_A_ROW = 3
NOT_ON_WHATSAPP = 0.05
OPT_OUTS = 0.02
ENOUGH_TRIED = 20
"""Recipients tried before the share that is not on WhatsApp says anything."""
ENOUGH_SENT = 50
"""Messages sent before the share of opt-outs says anything."""
BAD_NUMBER = {"limited": Reason.LIMITED, "banned": Reason.BANNED}


def after_failures(outcome: Outcome) -> None:
    """Messages of campaigns failed: stop what goes wrong again and again."""
    numbers = {row.connection_id for row in outcome.failed if row.connection_id}
    using = Campaign.objects.filter(status=Campaign.Status.SENDING, connections__in=numbers)
    failing = {row.campaign_id for row in outcome.failed}
    for campaign in using.distinct().order_by("pk"):
        mine = numbers & {one.pk for one in campaign.connections.only("pk")}
        if any(_fails_in_a_row(campaign, number) for number in mine):
            transitions.pause_by_rule(campaign, Reason.FAILURES)
        elif campaign.pk in failing and _bad_list(campaign):
            transitions.pause_by_rule(campaign, Reason.NOT_ON_WHATSAPP)


def _fails_in_a_row(campaign: Campaign, connection_id: UUID) -> bool:
    """Whether this number's last messages, of whichever campaigns, all failed for reasons other than the recipients'.

    What happened before a person let this campaign go on does not count for it.
    """
    rows = Message.objects.filter(
        connection_id=connection_id, origin=Message.Origin.CAMPAIGN, sending_since__isnull=False
    ).exclude(status=Message.Status.SENDING)
    if since := campaign.resumed_at or campaign.started_at:
        rows = rows.filter(sending_since__gte=since)
    last = list(rows.order_by("-sending_since").values_list("status", "error_code")[:IN_A_ROW])
    bad = [status == Message.Status.FAILED and code != "not_on_whatsapp" for status, code in last]
    return len(bad) == IN_A_ROW and all(bad)


def _bad_list(campaign: Campaign) -> bool:
    base = campaign.health_base
    tried = campaign.sent_count + campaign.failed_count - int(base.get("tried", 0))
    unknown = not_on_whatsapp(campaign) - int(base.get("not_on_whatsapp", 0))
    return tried >= ENOUGH_TRIED and unknown > NOT_ON_WHATSAPP * tried


def not_on_whatsapp(campaign: Campaign) -> int:
    """How many of the list WhatsApp did not know."""
    rows = CampaignRecipient.objects.filter(campaign=campaign, status=CampaignRecipient.Status.FAILED)
    return rows.filter(reason="not_on_whatsapp").count()


def after_opt_outs(outcome: Outcome) -> None:
    """People opted out after a campaign's message: stop it when they are too many."""
    for campaign in Campaign.objects.filter(pk__in=list(outcome.changes), status=Campaign.Status.SENDING):
        base = campaign.health_base
        sent = campaign.sent_count - int(base.get("sent", 0))
        left = campaign.opted_out_count - int(base.get("opted_out", 0))
        if sent >= ENOUGH_SENT and left > OPT_OUTS * sent:
            transitions.pause_by_rule(campaign, Reason.OPT_OUTS)


def base_of(campaign: Campaign) -> dict[str, int]:
    """The counters from which the rules look on, once a person has said that it may go on."""
    return {
        "tried": campaign.sent_count + campaign.failed_count,
        "not_on_whatsapp": not_on_whatsapp(campaign),
        "sent": campaign.sent_count,
        "opted_out": campaign.opted_out_count,
    }


def on_connection(batch: Sequence[ConnectionStatusChanged]) -> None:
    """WhatsApp limits or bans a number: its campaigns stop."""
    for event in batch:
        reason = BAD_NUMBER.get(event.reason)
        if reason is None:
            continue
        running = Campaign.objects.filter(status=Campaign.Status.SENDING, connections=event.connection_id)
        for campaign in running:
            transitions.pause_by_rule(campaign, reason)
