"""What happens to campaigns."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class CampaignChanged(Event):
    """Something that its page shows changed: counters, mostly. For open pages only."""

    name: ClassVar[str] = "campaign.changed"
    campaign_id: UUID


@dataclass(frozen=True, kw_only=True)
class CampaignMoved(Event):
    """A campaign started, was paused, resumed, completed or cancelled (or could not start: failed).

    step: the second half of its public name, `campaign.<step>`.
    """

    name: ClassVar[str] = "campaign.moved"
    campaign_id: UUID
    step: str
    reason: str = ""
