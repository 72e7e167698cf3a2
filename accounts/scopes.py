"""What an API key may reach: one scope for each kind of thing, to read it or to change it."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from core.errors import InvalidInput


class Resource(StrEnum):
    """A kind of thing that the API serves."""

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
"""What there is nothing to write in."""

READ, WRITE = "read", "write"


def scope(resource: Resource, level: str) -> str:
    """The name of a scope, like "contacts:read"."""
    return f"{resource}:{level}"


ALL = tuple(
    scope(resource, level)
    for resource in Resource
    for level in (READ, WRITE)
    if level == READ or resource not in READ_ONLY
)
"""Every scope that a key can have."""


def allows(scopes: Collection[str], resource: Resource, level: str) -> bool:
    """Whether a key with `scopes` may do it. To write includes to read."""
    return scope(resource, level) in scopes or (level == READ and scope(resource, WRITE) in scopes)


def checked(scopes: Collection[str]) -> list[str]:
    """`scopes` without repeats, in the table's order. Raises InvalidInput for none, and for one that does not exist."""
    unknown = sorted(set(scopes) - set(ALL))
    if unknown:
        raise InvalidInput("unknown_scope", f"There is no scope {unknown[0][:60]!r}.", field="scopes")
    if not scopes:
        raise InvalidInput("no_scope", "Choose what the key may do.", field="scopes")
    return [one for one in ALL if one in scopes]
