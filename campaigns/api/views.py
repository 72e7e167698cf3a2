"""API of campaigns and message templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.roles import Can
from accounts.scopes import Resource
from campaigns import dry_run, selectors
from campaigns.api import lookups, serializers
from campaigns.models import Campaign, MessageTemplate
from campaigns.services import drafts, lifecycle, templates, test_send

_EXAMPLE = {
    "name": "Spring sale",
    "messageContent": "Hello {{name|there}}, 20 % off until Sunday.",
    "targetType": "all",
    "timing": "now",
}


class Campaigns(Endpoint):
    """Broadcasts: drafts, running campaigns and their results."""

    section = "Campaigns"
    resource = Resource.CAMPAIGNS
    capability = Can.RUN_CAMPAIGNS

    def current(self, campaign_id: UUID) -> Campaign:
        return selectors.get_campaign(self.business, campaign_id)

    def prepare(self, rows: Sequence[Campaign]) -> None:
        selectors.attach_connections(rows)

    @operation(
        "List campaigns",
        answer=serializers.CampaignSerializer,
        many=True,
        pages="cursor",
        query=serializers.CampaignsQuery,
        ordering={"createdAt": ("created_at", "id")},
    )
    def list(self, request: Request) -> Any:
        """Newest first."""
        return selectors.all_campaigns(self.business, self.query.get("status", ""))

    @operation(
        "Create a campaign",
        body=serializers.CampaignBody,
        answer=serializers.CampaignSerializer,
        status=201,
        example=_EXAMPLE,
    )
    def create(self, request: Request) -> Any:
        """Create a draft. No message is sent before `send`."""
        return drafts.create(self.business, self.user, lookups.campaign_values(self.business, self.data))

    @operation("Get a campaign", answer=serializers.CampaignSerializer)
    def retrieve(self, request: Request, campaign_id: UUID) -> Any:
        """Return the campaign with its current counters."""
        return self.current(campaign_id)

    @operation(
        "Replace a campaign",
        body=serializers.CampaignBody,
        answer=serializers.CampaignSerializer,
        conditional=True,
        example=_EXAMPLE,
    )
    def update(self, request: Request, campaign_id: UUID) -> Any:
        """Only drafts and scheduled campaigns can change; a scheduled campaign becomes a draft again."""
        values = lookups.campaign_values(self.business, self.data)
        return drafts.update(self.business, self.current(campaign_id), self.user, values)

    @operation(
        "Change a campaign",
        body=serializers.CampaignBody,
        answer=serializers.CampaignSerializer,
        conditional=True,
        example={"name": "Summer sale"},
    )
    def partial_update(self, request: Request, campaign_id: UUID) -> Any:
        """Only what is sent changes; a scheduled campaign becomes a draft again."""
        campaign = self.current(campaign_id)
        values = lookups.campaign_values(self.business, self.data, campaign.exclusions)
        return drafts.update(self.business, campaign, self.user, values)

    @operation("Delete a campaign", conditional=True)
    def destroy(self, request: Request, campaign_id: UUID) -> None:
        """Delete the campaign and its recipients; messages stay in their conversations.

        A running campaign must be cancelled first.
        """
        drafts.delete(self.business, self.current(campaign_id), self.user)


class Sending(Endpoint):
    """Actions on one campaign."""

    section = "Campaigns"
    resource = Resource.CAMPAIGNS
    capability = Can.RUN_CAMPAIGNS
    cursor_ordering = ("contact_id",)

    def _campaign(self, campaign_id: UUID) -> Campaign:
        return selectors.get_campaign(self.business, campaign_id)

    def prepare(self, rows: Sequence[Any]) -> None:
        selectors.attach_connections([row for row in rows if isinstance(row, Campaign)])

    @operation("Send a campaign", answer=serializers.CampaignSerializer)
    def send(self, request: Request, campaign_id: UUID) -> Any:
        """Freeze the audience and start, or schedule, as `timing` says. A second call is a 409."""
        return lifecycle.send(self.business, self._campaign(campaign_id), self.user)

    @operation("Pause a campaign", answer=serializers.CampaignSerializer)
    def pause(self, request: Request, campaign_id: UUID) -> Any:
        """No further message is sent until the campaign is resumed."""
        return lifecycle.pause(self.business, self._campaign(campaign_id), self.user)

    @operation("Resume a campaign", answer=serializers.CampaignSerializer)
    def resume(self, request: Request, campaign_id: UUID) -> Any:
        """Continue where the campaign stopped; nobody receives it twice."""
        return lifecycle.resume(self.business, self._campaign(campaign_id), self.user)

    @operation("Cancel a campaign", answer=serializers.CampaignSerializer)
    def cancel(self, request: Request, campaign_id: UUID) -> Any:
        """Cancel for good, with all queued messages."""
        return lifecycle.cancel(self.business, self._campaign(campaign_id), self.user)

    @operation("Take a campaign off the schedule", answer=serializers.CampaignSerializer)
    def unschedule(self, request: Request, campaign_id: UUID) -> Any:
        """Turn a scheduled campaign back into a draft."""
        return lifecycle.unschedule(self.business, self._campaign(campaign_id), self.user)

    @operation("Duplicate a campaign", answer=serializers.CampaignSerializer, status=201)
    def duplicate(self, request: Request, campaign_id: UUID) -> Any:
        """Create a draft with the same text, audience and numbers."""
        return drafts.duplicate(self.business, self._campaign(campaign_id), self.user)

    @operation(
        "Send a test",
        body=serializers.TestBody,
        answer=serializers.TestedSerializer,
        example={"phoneNumber": "+9992000000123"},
    )
    def test(self, request: Request, campaign_id: UUID) -> Any:
        """Send every variant once to one number, with that contact's values. Tests do not count in the results."""
        campaign, phone = self._campaign(campaign_id), self.data["phone_number"]
        return {"messages": test_send.send_test(self.business, campaign, self.user, phone)}

    @operation("Retry failed messages", answer=serializers.RetriedSerializer)
    def retry(self, request: Request, campaign_id: UUID) -> Any:
        """Send again, under the same ids, what surely did not arrive; what may have arrived is not sent again."""
        return {"messages": lifecycle.retry_failed(self.business, self._campaign(campaign_id), self.user)}

    @operation("Dry run", answer=serializers.DryRunSerializer, writes=False)
    def dry_run(self, request: Request, campaign_id: UUID) -> Any:
        """Simulate sending: recipients, excluded people by reason, and the estimated finish at the numbers' pacing."""
        return dry_run.simulate(self._campaign(campaign_id), examples=0)

    @operation(
        "List recipients",
        answer=serializers.RecipientSerializer,
        many=True,
        pages="cursor",
        query=serializers.RecipientsQuery,
        ordering={"contact": ("contact_id",)},
    )
    def recipients(self, request: Request, campaign_id: UUID) -> Any:
        """List the contacts of the frozen audience, excluded ones included, oldest contact first."""
        campaign = self._campaign(campaign_id)
        rows = selectors.recipients(
            self.business, campaign, self.query.get("state", ""), self.query.get("q", "")
        )
        return rows.prefetch_related("contact")


class Templates(Endpoint):
    """Message templates."""

    section = "Campaigns"
    resource = Resource.CAMPAIGNS
    capability = Can.RUN_CAMPAIGNS

    def current(self, template_id: UUID) -> MessageTemplate:
        return selectors.get_template(self.business, template_id)

    @operation("List templates", answer=serializers.TemplateSerializer, many=True)
    def list(self, request: Request) -> Any:
        """By name."""
        return selectors.templates_of(self.business)

    @operation("Get a template", answer=serializers.TemplateSerializer)
    def retrieve(self, request: Request, template_id: UUID) -> MessageTemplate:
        """One template."""
        return self.current(template_id)

    @operation(
        "Create a template",
        body=serializers.TemplateBody,
        answer=serializers.TemplateSerializer,
        status=201,
        example={"name": "Ready", "content": "Hello {{name|there}}, your order is ready."},
    )
    def create(self, request: Request) -> MessageTemplate:
        """409 `name_taken` when there is one of this name."""
        return templates.save(self.business, self.user, **lookups.template_values(self.business, self.data))

    @operation(
        "Replace a template",
        body=serializers.TemplateBody,
        answer=serializers.TemplateSerializer,
        conditional=True,
        example={"name": "Ready", "content": "Hello {{name|there}}, come and get it."},
    )
    def update(self, request: Request, template_id: UUID) -> MessageTemplate:
        """Campaigns that were created from the template keep their text."""
        values = lookups.template_values(self.business, self.data)
        return templates.save(self.business, self.user, template=self.current(template_id), **values)

    @operation(
        "Change a template",
        body=serializers.TemplateBody,
        answer=serializers.TemplateSerializer,
        conditional=True,
        example={"name": "Ready to collect"},
    )
    def partial_update(self, request: Request, template_id: UUID) -> MessageTemplate:
        """Only what is sent changes."""
        template = self.current(template_id)
        kept = {"name": template.name, "content": template.content, "media": template.media}
        values = kept | lookups.template_values(self.business, self.data)
        return templates.save(self.business, self.user, template=template, **values)

    @operation("Delete a template", conditional=True)
    def destroy(self, request: Request, template_id: UUID) -> None:
        """Campaigns that were created from the template keep their text."""
        templates.delete(self.business, self.current(template_id), self.user)
