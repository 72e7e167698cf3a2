"""What a program says about a campaign, as the services take it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.models import BusinessProfile
from campaigns import selectors
from connections import selectors as connections
from messaging.inbox import selectors as messaging

_PLAIN = (
    "name", "message_content", "variants", "target_type", "timing", "scheduled_at", "local_at", "cron", "expire_hours",
)  # fmt: skip


def values(
    business: BusinessProfile, body: Mapping[str, Any], had: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The body of a request with its ids looked up. had: the campaign's exclusions, where some may not be named.

    Raises NotFound for ids of other businesses.
    """
    found = {name: body[name] for name in _PLAIN if name in body}
    for name in ("target_tags", "target_tags_all"):
        if name in body:
            found[name] = [str(key) for key in body[name]]
    if "segment_id" in body:
        found["segment_id"] = body["segment_id"]
    if "time_zone" in body:
        found["time_zone"] = body["time_zone"] or business.time_zone
    if "media_id" in body:
        found["media"] = messaging.get_media(business, body["media_id"]) if body["media_id"] else None
    if "earlier_campaign_id" in body:
        key = body["earlier_campaign_id"]
        found["earlier"] = selectors.get_campaign(business, key) if key else None
    if "connection_ids" in body:
        keys = body["connection_ids"]
        found["connections"] = (
            [connections.get_connection(business, key) for key in keys]
            if keys
            else list(connections.connections_of(business))
        )
    if body.get("numbers"):
        found["numbers"] = body["numbers"]
    return found | {"exclusions": _exclusions(body, had or {})}


def template(business: BusinessProfile, body: Mapping[str, Any]) -> dict[str, Any]:
    """What is said about a template, with its file looked up. Raises NotFound for another business's."""
    found = {name: body[name] for name in ("name", "content") if name in body}
    if "media_id" in body:
        found["media"] = messaging.get_media(business, body["media_id"]) if body["media_id"] else None
    return found


def _exclusions(body: Mapping[str, Any], had: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(had)
    for name in ("tags", "campaigns"):
        if f"exclude_{name}" in body:
            found[name] = [str(key) for key in body[f"exclude_{name}"]]
    if "exclude_never_wrote" in body:
        found["never_wrote"] = body["exclude_never_wrote"]
    return {name: value for name, value in found.items() if value}
