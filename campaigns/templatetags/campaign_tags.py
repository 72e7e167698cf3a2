"""Template tags of the campaign pages."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from campaigns import reason_labels
from campaigns.models import Campaign
from core.web.templatetags.whatsflow import icon
from messaging.inbox.markup import to_html

register = template.Library()

RECIPIENT_TABS = (
    ("", "All"),
    ("waiting", "Waiting"),
    ("sent", "Sent"),
    ("delivered", "Delivered"),
    ("read", "Read"),
    ("replied", "Replied"),
    ("not_replied", "No reply"),
    ("missed", "Missed it"),
    ("failed", "Failed"),
    ("unknown", "Not sure"),
    ("skipped", "Left out"),
    ("opted_out", "Opted out"),
)
_STATUS_ICONS: dict[str, tuple[str, str]] = {
    Campaign.Status.DRAFT: ("pencil", "secondary"),
    Campaign.Status.SCHEDULED: ("calendar-event", "blue"),
    Campaign.Status.SENDING: ("send", "green"),
    Campaign.Status.PAUSED: ("player-pause", "yellow"),
    Campaign.Status.COMPLETED: ("circle-check", "green"),
    Campaign.Status.CANCELLED: ("ban", "secondary"),
    Campaign.Status.FAILED: ("alert-circle", "red"),
}


@register.simple_tag
def campaign_state(campaign: Campaign) -> SafeString:
    """Render the campaign's status as icon and text."""
    picture, colour = _STATUS_ICONS[campaign.status]
    return format_html(
        '<span class="wf-state wf-state-{}">{}{}</span>', colour, icon(picture), campaign.get_status_display()
    )


@register.filter
def recipient_reason(reason: str) -> str:
    """Return the label of the reason why a recipient was excluded or failed."""
    return reason_labels.of_recipient(reason) if reason else ""


@register.filter
def chat_text(text: str) -> SafeString:
    """Render text as WhatsApp shows it: bold, italic, links, line breaks."""
    return SafeString(to_html(text))  # to_html escapes
