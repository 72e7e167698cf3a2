"""API endpoints of tag rules."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.roles import Can
from accounts.scopes import Resource
from contacts import selectors
from contacts.api import serializers
from contacts.models import TagRule
from contacts.services import rules

_ID = "0199f0a0-0000-7000-8000-00000000c0de"


class TagRules(Endpoint):
    """Rules that tag contacts automatically."""

    section = "Tags"
    resource = Resource.TAGS
    capability = Can.MANAGE_BUSINESS

    def current(self, rule_id: UUID) -> TagRule:
        """Get the rule that If-Match and the ETag are about."""
        return rules.get(self.business, rule_id)

    @operation("List tag rules", answer=serializers.TagRuleSerializer, many=True)
    def list(self, request: Request) -> Any:
        """Oldest first; at most 50."""
        return selectors.rules_of(self.business)

    @operation("Get a tag rule", answer=serializers.TagRuleSerializer)
    def retrieve(self, request: Request, rule_id: UUID) -> TagRule:
        """One rule with the number of contacts that it has tagged."""
        return self.current(rule_id)

    @operation(
        "Create a tag rule",
        body=serializers.TagRuleBody,
        answer=serializers.TagRuleSerializer,
        status=201,
        example={"tagId": _ID, "kind": "keyword", "keywords": ["invoice"]},
    )
    def create(self, request: Request) -> TagRule:
        """Create a rule that is on. It applies to messages from now on."""
        given = dict(self.data)
        tag = selectors.get_tag(self.business, given.pop("tag_id"))
        return rules.create(self.business, self.user, tag=tag, **given)

    @operation(
        "Switch a tag rule",
        body=serializers.TagRuleChange,
        answer=serializers.TagRuleSerializer,
        conditional=True,
        example={"isActive": False},
    )
    def partial_update(self, request: Request, rule_id: UUID) -> TagRule:
        """Turn the rule on or off."""
        active = self.data.get("is_active", self.current(rule_id).is_active)
        return rules.set_active(self.business, rule_id, self.user, active=active)

    @operation("Delete a tag rule", conditional=True)
    def destroy(self, request: Request, rule_id: UUID) -> None:
        """Delete the rule. Contacts keep the tags that it has added."""
        rules.delete(self.business, rule_id, self.user)

    @operation("Run a tag rule", answer=serializers.TaggedSerializer)
    def run(self, request: Request, rule_id: UUID) -> Any:
        """Tag all contacts to whom the rule applies by their messages so far."""
        return {"tagged": rules.run(self.business, self.current(rule_id), self.user)}
