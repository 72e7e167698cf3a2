"""Resolve the ids in request bodies of campaigns and templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.models import BusinessProfile
from campaigns import selectors
from connections import selectors as connections
from messaging.media import media_files

_PLAIN = (
    "name", "message_content", "variants", "target_type", "timing", "scheduled_at", "local_at", "cron", "expire_hours",
)  # fmt: skip


def campaign_values(
    business: BusinessProfile, body: Mapping[str, Any], exclusions: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Convert a request body to the values of `drafts.create` and `drafts.update`.

    exclusions: those of the campaign being changed, kept where the body does not name them. Raises NotFound for ids of
    other businesses.
    """
    values = {name: body[name] for name in _PLAIN if name in body}
    for name in ("target_tags", "target_tags_all"):
        if name in body:
            values[name] = [str(key) for key in body[name]]
    if "segment_id" in body:
        values["segment_id"] = body["segment_id"]
    if "time_zone" in body:
        values["time_zone"] = body["time_zone"] or business.time_zone
    if "media_id" in body:
        values["media"] = media_files.get_media(business, body["media_id"]) if body["media_id"] else None
    if "earlier_campaign_id" in body:
        key = body["earlier_campaign_id"]
        values["earlier"] = selectors.get_campaign(business, key) if key else None
    if "connection_ids" in body:
        keys = body["connection_ids"]
        values["connections"] = (
            [connections.get_connection(business, key) for key in keys]
            if keys
            else list(connections.connections_of(business))
        )
    if body.get("numbers"):
        values["numbers"] = body["numbers"]
    return values | {"exclusions": _exclusions(body, exclusions or {})}


def template_values(business: BusinessProfile, body: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a request body to the arguments of `templates.save`. Raises NotFound."""
    values = {name: body[name] for name in ("name", "content") if name in body}
    if "media_id" in body:
        values["media"] = media_files.get_media(business, body["media_id"]) if body["media_id"] else None
    return values


def _exclusions(body: Mapping[str, Any], exclusions: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(exclusions)
    for name in ("tags", "campaigns"):
        if f"exclude_{name}" in body:
            values[name] = [str(key) for key in body[f"exclude_{name}"]]
    if "exclude_never_wrote" in body:
        values["never_wrote"] = body["exclude_never_wrote"]
    return {name: value for name, value in values.items() if value}
