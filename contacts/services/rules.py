"""Tag rules: by keyword, at the first contact, or without an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts import keyword_matching, ports
from contacts.models import Contact, Tag, TagRule
from contacts.selectors import get_tag
from contacts.services import tags
from contacts.services.consent_keywords import ReceivedText
from core.clock import now
from core.db.compiled_queries import Prepared
from core.errors import Conflict, InvalidInput, NotFound

MAX_RULES = 50
"""Most rules of a business; each message is tested against all of them."""
Kind = TagRule.Kind


def create(
    business: BusinessProfile, actor: User | None, *, tag: Tag, kind: str, **condition: Any
) -> TagRule:
    """Create an active rule. keywords: for Kind.KEYWORD; days: for Kind.NO_ANSWER.

    Raises InvalidInput.
    """
    if TagRule.objects.filter(business_profile=business).count() >= MAX_RULES:
        raise Conflict("too_many_rules", f"A business has at most {MAX_RULES} rules.")
    rule = draft(business, tag=tag, kind=kind, **condition)
    with transaction.atomic():
        rule.created_by = actor
        rule.save()
        audit.record(business, actor, "tag_rule.created", rule, kind=kind)
    return rule


def draft(
    business: BusinessProfile, *, tag: Tag, kind: str, keywords: Iterable[str] = (), days: int = 0
) -> TagRule:
    """Return an unsaved rule for a dry run.

    Raises InvalidInput, NotFound for another business's tag.
    """
    if kind not in Kind.values:
        raise InvalidInput("invalid_kind", f"A rule is one of {', '.join(Kind.values)}.", field="kind")
    cleaned = keyword_matching.clean(keywords, "keywords") if kind == Kind.KEYWORD else []
    if kind == Kind.KEYWORD and not cleaned:
        raise InvalidInput("no_keywords", "Say which words the rule looks for.", field="keywords")
    if kind == Kind.NO_ANSWER and not 1 <= days <= 365:
        raise InvalidInput("invalid_days", "Wait for an answer for 1 to 365 days.", field="days")
    return TagRule(
        business_profile=business,
        tag=get_tag(business, tag.pk),
        kind=kind,
        keywords=cleaned,
        days=days if kind == Kind.NO_ANSWER else 0,
    )


def set_active(business: BusinessProfile, rule_id: UUID, actor: User | None, *, active: bool) -> TagRule:
    """Pause or resume a rule. Raises NotFound."""
    with transaction.atomic():
        rule = get(business, rule_id)
        rule.is_active = active
        rule.save(update_fields=["is_active", "updated_at"])
        audit.record(business, actor, "tag_rule.switched", rule, active=active)
    return rule


def delete(business: BusinessProfile, rule_id: UUID, actor: User | None) -> None:
    """Delete a rule. Contacts stay tagged. Raises NotFound."""
    with transaction.atomic():
        rule = get(business, rule_id)
        audit.record(business, actor, "tag_rule.deleted", rule)
        rule.delete()


def get(business: BusinessProfile, rule_id: UUID) -> TagRule:
    """Return a rule with its tag. Raises NotFound."""
    rule = TagRule.objects.select_related("tag").filter(business_profile=business, pk=rule_id).first()
    if rule is None:
        raise NotFound("This rule")
    return rule


def dry_run(business: BusinessProfile, rule: TagRule, shown: int = 20) -> tuple[list[Contact], int]:
    """Dry run over the messages so far.

    Returns the first contacts the rule would tag, and how many.
    """
    rows = _untagged(rule)
    return list(rows.order_by(F("last_message_at").desc(nulls_last=True), "-id")[:shown]), rows.count()


def run(business: BusinessProfile, rule: TagRule, actor: User | None = None) -> int:
    """Apply the rule to the messages so far. Returns how many contacts were tagged."""
    count = tags.add(business, _untagged(rule), [rule.tag], actor)
    _count(rule, count)
    return count


def _untagged(rule: TagRule) -> Any:
    rows = ports.matcher(rule.kind)(rule).filter(business_profile_id=rule.business_profile_id)
    return rows.exclude(contact_tags__tag=rule.tag)


def apply_rules(business: BusinessProfile, said: Sequence[ReceivedText]) -> None:
    """Apply rules to new messages, inside their transaction; one query without rules."""
    for rule in _message_rules.rows(business.pk):
        meant = {one.contact_id for one in said if _applies(rule, one)}
        if meant:
            _count(rule, tags.add(business, meant, [rule.tag]))


_message_rules = Prepared[TagRule](
    lambda business: TagRule.objects.filter(
        business_profile=business, is_active=True, kind__in=[Kind.KEYWORD, Kind.FIRST_CONTACT]
    ).select_related("tag"),
    by_key=True,
)


def _applies(rule: TagRule, said: ReceivedText) -> bool:
    if rule.kind == Kind.FIRST_CONTACT:
        return said.first
    return bool(keyword_matching.contains(said.plain, rule.keywords))


def run_due() -> int:
    """Run the no-answer rules of all businesses.

    Returns how many contacts were tagged.
    """
    waiting = TagRule.objects.filter(is_active=True, kind=Kind.NO_ANSWER, business_profile__deleted_at=None)
    return sum(run(rule.business_profile, rule) for rule in waiting.select_related("tag", "business_profile"))


def _count(rule: TagRule, count: int) -> None:
    if count:
        TagRule.objects.filter(pk=rule.pk).update(
            tagged_count=F("tagged_count") + count, last_tagged_at=now()
        )
