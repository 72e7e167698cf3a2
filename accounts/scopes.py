"""Scopes of API keys: read and write for each resource."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from core.errors import InvalidInput


class Resource(StrEnum):
    """Resource of the API."""

    BUSINESS = "business"
    TEAM = "team"
    CONNECTIONS = "connections"
    CONTACTS = "contacts"
    TAGS = "tags"
    MESSAGES = "messages"
    CONVERSATIONS = "conversations"
    CAMPAIGNS = "campaigns"
    ANALYTICS = "analytics"
    WEBHOOKS = "webhooks"
    EVENTS = "events"
    SANDBOX = "sandbox"
    JOBS = "jobs"


LABELS: dict[Resource, str] = {
    Resource.BUSINESS: "Business profile",
    Resource.TEAM: "Team",
    Resource.CONNECTIONS: "WhatsApp numbers",
    Resource.CONTACTS: "Contacts, notes, fields and segments",
    Resource.TAGS: "Tags",
    Resource.MESSAGES: "Messages and files",
    Resource.CONVERSATIONS: "Conversations",
    Resource.CAMPAIGNS: "Campaigns",
    Resource.ANALYTICS: "Analytics",
    Resource.WEBHOOKS: "Webhooks",
    Resource.EVENTS: "Event feed",
    Resource.SANDBOX: "Sandbox",
    Resource.JOBS: "Imports, exports and bulk actions",
}
READ_ONLY = frozenset({Resource.TEAM, Resource.ANALYTICS, Resource.EVENTS})
"""Resources without a write scope."""

READ, WRITE = "read", "write"


def scope(resource: Resource, level: str) -> str:
    """Build the name of a scope, like "contacts:read"."""
    return f"{resource}:{level}"


ALL = tuple(
    scope(resource, level)
    for resource in Resource
    for level in (READ, WRITE)
    if level == READ or resource not in READ_ONLY
)
"""Every scope that a key can have."""


def allows(scopes: Collection[str], resource: Resource, level: str) -> bool:
    """Return whether `scopes` include this level of access. Write includes read."""
    return scope(resource, level) in scopes or (level == READ and scope(resource, WRITE) in scopes)


def validate(scopes: Collection[str]) -> list[str]:
    """Validate and deduplicate scopes, in the order of ALL. Raises InvalidInput("unknown_scope", "no_scope")."""
    unknown = sorted(set(scopes) - set(ALL))
    if unknown:
        raise InvalidInput("unknown_scope", f"There is no scope {unknown[0][:60]!r}.", field="scopes")
    if not scopes:
        raise InvalidInput("no_scope", "Choose what the key may do.", field="scopes")
    return [name for name in ALL if name in scopes]
