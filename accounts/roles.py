"""What each role may do in a business. One table, read by pages, sockets and API alike."""

from enum import StrEnum

from django.db import models


class Role(models.TextChoices):
    """A person's role in one business, from most to least powerful."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    AGENT = "agent", "Agent"
    VIEWER = "viewer", "Viewer"


class Can(StrEnum):
    """Something that a role allows."""

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
    """Whether `role` may do `capability`. An unknown role may do nothing."""
    return capability in ALLOWED.get(role, frozenset())


def may_grant(giver: str, role: str) -> bool:
    """Whether somebody with the role `giver` may give `role` to others, or take it from them.

    Owners may do it with every role, admins with every role but owner.
    """
    if not allows(giver, Can.MANAGE_TEAM) or role not in Role.values:
        return False
    return role != Role.OWNER or giver == Role.OWNER


def grantable(giver: str) -> list[tuple[str, str]]:
    """The roles that `giver` may give, as choices of a form."""
    return [(role.value, role.label) for role in Role if may_grant(giver, role)]
