"""Texts of a campaign: variables and variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from uuid import UUID

from contacts.placeholders import BUILT_IN, render, values_of, variables

__all__ = ["BUILT_IN", "pick_variant", "render", "values_of", "variables"]


def pick_variant(variants: Sequence[Mapping[str, object]], key: UUID) -> Mapping[str, object] | None:
    """Choose a recipient's variant by share; always the same one for the same key."""
    total = sum(int(str(variant.get("share", 0))) for variant in variants)
    if not variants or total <= 0:
        return None
    index = stable_index(key, total)
    for variant in variants:
        index -= int(str(variant.get("share", 0)))
        if index < 0:
            return variant
    return variants[-1]


def stable_index(key: UUID, sides: int) -> int:
    """Return a uniformly distributed number below `sides`, always the same one for the same key.

    Keys are hashed, because consecutive ones differ in few digits and their remainders would not be uniform.
    """
    return int.from_bytes(blake2b(key.bytes, digest_size=8).digest()) % sides
