"""Keywords that opt contacts out and in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts import keyword_matching
from contacts.models import ConsentProof, ConsentWords
from contacts.services import consent
from core.db.compiled_queries import Prepared
from core.errors import InvalidInput

MAX_LENGTH = 80
"""Characters of the longest message that can be a keyword."""


@dataclass(frozen=True)
class ReceivedText:
    """A received message."""

    contact_id: UUID
    message_id: UUID
    text: str
    first: bool = False

    @cached_property
    def plain(self) -> str:
        """Return the text in the plain form of keywords."""
        return keyword_matching.plain(self.text)


def keywords_of(business_id: UUID) -> tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]]:
    """Return the keywords that opt out and in, by language. One query."""
    return _words.first(business_id) or (keyword_matching.STOP, keyword_matching.START)


_words = Prepared[Any](
    lambda business: ConsentWords.objects.filter(business_profile=business).values_list("stop", "start"),
    by_key=True,
)


def save(
    business: BusinessProfile,
    actor: User | None,
    stop: Mapping[str, str | Iterable[str]],
    start: Mapping[str, str | Iterable[str]],
) -> ConsentWords:
    """Save the business's own keywords by language.

    Raises InvalidInput with a field like "stop.en".
    """
    cleaned = {
        kind: {
            language: found
            for language in keyword_matching.LANGUAGES
            if (found := keyword_matching.clean(given.get(language, ""), f"{kind}.{language}"))
        }
        for kind, given in (("stop", stop), ("start", start))
    }
    if not cleaned["stop"]:
        raise InvalidInput(
            "no_stop_words", "Keep at least one word by which people can opt out.", field="stop.en"
        )
    both = keyword_matching.plain_keywords(cleaned["stop"]) & keyword_matching.plain_keywords(
        cleaned["start"]
    )
    if both:
        raise InvalidInput(
            "word_means_both", f"{min(both)} cannot opt people both out and in.", field="start.en"
        )
    with transaction.atomic():
        row, _ = ConsentWords.objects.update_or_create(business_profile=business, defaults=cleaned)
        audit.record(business, actor, "consent_words.changed", row)
    return row


def reset(business: BusinessProfile, actor: User | None) -> None:
    """Restore the built-in keywords."""
    with transaction.atomic():
        ConsentWords.objects.filter(business_profile=business).delete()
        audit.record(business, actor, "consent_words.reset")


def apply_keywords(business: BusinessProfile, said: Sequence[ReceivedText]) -> None:
    """Opt out and in the senders of messages that equal a keyword, in order.

    Inside the messages' transaction.
    """
    short = [one for one in said if 0 < len(one.text) <= MAX_LENGTH]
    if not short:
        return
    stop, start = (keyword_matching.plain_keywords(some) for some in keywords_of(business.pk))
    for one in short:
        act = consent.opt_out if one.plain in stop else consent.opt_in if one.plain in start else None
        if act:
            act(
                business,
                [one.contact_id],
                how=ConsentProof.How.MESSAGE,
                message_id=one.message_id,
                note=one.text.strip(),
            )
