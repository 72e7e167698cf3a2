"""Events of campaigns."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class CampaignChanged(Event):
    """Counters of a campaign changed. For open pages only."""

    name: ClassVar[str] = "campaign.changed"
    campaign_id: UUID


@dataclass(frozen=True, kw_only=True)
class CampaignStatusChanged(Event):
    """A campaign started, was paused, resumed, completed or cancelled, or could not start (failed).

    step: second part of its public name, `campaign.<step>`.
    """

    name: ClassVar[str] = "campaign.moved"
    campaign_id: UUID
    step: str
    reason: str = ""
