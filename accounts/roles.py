"""Roles and their capabilities; the single table for pages, sockets and API."""

from enum import StrEnum

from django.db import models


class Role(models.TextChoices):
    """Role of a member in a business, from most to least powerful."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    AGENT = "agent", "Agent"
    VIEWER = "viewer", "Viewer"


class Can(StrEnum):
    """Capability that a role can grant."""

    VIEW = "view"
    REPLY = "reply"
    EDIT_CONTACTS = "edit_contacts"
    MANAGE_CONNECTIONS = "manage_connections"
    MANAGE_TEAM = "manage_team"
    MANAGE_BUSINESS = "manage_business"
    MANAGE_API_KEYS = "manage_api_keys"
    RUN_CAMPAIGNS = "run_campaigns"
    DELETE_BUSINESS = "delete_business"


_VIEWER = frozenset({Can.VIEW})
_AGENT = _VIEWER | {Can.REPLY, Can.EDIT_CONTACTS}
_ADMIN = _AGENT | {
    Can.MANAGE_CONNECTIONS,
    Can.MANAGE_TEAM,
    Can.MANAGE_BUSINESS,
    Can.MANAGE_API_KEYS,
    Can.RUN_CAMPAIGNS,
}
_OWNER = _ADMIN | {Can.DELETE_BUSINESS}

ALLOWED: dict[str, frozenset[Can]] = {
    Role.OWNER: _OWNER,
    Role.ADMIN: _ADMIN,
    Role.AGENT: _AGENT,
    Role.VIEWER: _VIEWER,
}


def allows(role: str, capability: Can) -> bool:
    """Return whether `role` has `capability`. An unknown role has none."""
    return capability in ALLOWED.get(role, frozenset())


def may_grant(actor_role: str, role: str) -> bool:
    """Return whether a member with `actor_role` may grant or revoke `role`: owners all, admins all but owner."""
    if not allows(actor_role, Can.MANAGE_TEAM) or role not in Role.values:
        return False
    return role != Role.OWNER or actor_role == Role.OWNER


def grantable(actor_role: str) -> list[tuple[str, str]]:
    """List the roles that a member with `actor_role` may grant, as form choices."""
    return [(role.value, role.label) for role in Role if may_grant(actor_role, role)]
