"""The texts of a campaign: their variables, and which variant a recipient gets."""

from __future__ import annotations

from uuid import UUID

from contacts.placeholders import BUILT_IN, render, values_of, variables

__all__ = ["BUILT_IN", "pick", "render", "values_of", "variables"]


def pick(variants: list[dict[str, object]], key: UUID) -> dict[str, object] | None:
    """The variant of the recipient `key`: by share, and always the same one."""
    total = sum(int(str(one.get("share", 0))) for one in variants)
    if not variants or total <= 0:
        return None
    place = (key.int * 2654435761 >> 7) % total
    for one in variants:
        place -= int(str(one.get("share", 0)))
        if place < 0:
            return one
    return variants[-1]
