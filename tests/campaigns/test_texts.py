"""Texts with variables, and which variant somebody gets."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import texts
from contacts.models import Contact
from core.ids import uuid7

KNOWN = {*texts.BUILT_IN, "city"}
VALUES = {"name": "Ann Lee", "first_name": "Ann", "city": "", "business": "Blue Bakery"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hi {{name}}", "Hi Ann Lee"),
        ("Hi {{ First_Name }}!", "Hi Ann!"),
        ("In {{city|your town}}", "In your town"),
        ("In {{city}}.", "In ."),
        ("In {{city| }}.", "In ."),
        ("{{price}} and {{ price | 5 € }}", "{{price}} and {{ price | 5 € }}"),
        ("{{name", "{{name"),
        ("{{{{name}}}}", "{{Ann Lee}}"),
        ("{name} }}", "{name} }}"),
    ],
)
def test_variables_become_values_or_their_fallback_and_anything_else_stays_text(
    text: str, shown: str
) -> None:
    assert texts.render(text, VALUES, KNOWN) == shown


@given(st.text(max_size=200), st.text(max_size=40))
def test_any_text_can_be_rendered_and_values_are_not_looked_into(text: str, name: str) -> None:
    assert isinstance(texts.render(text, {"name": name}, KNOWN), str)
    assert texts.render("<{{name|x}}>", {"name": name}, KNOWN) == f"<{name or 'x'}>"


def test_fields_of_every_kind_are_written_as_people_write_them() -> None:
    person = Contact(name="", push_name="Bo Li", metadata={"vip": True, "rooms": 3.0, "size": 2.5, "x": None})
    values = texts.values_of(person, "Blue Bakery")
    assert [values[key] for key in ("name", "first_name", "vip", "rooms", "size", "x")] == [
        "Bo Li", "Bo", "yes", "3", "2.5", "",
    ]  # fmt: skip


def test_a_custom_field_never_hides_a_built_in_one() -> None:
    person = Contact(name="Ann", metadata={"business": "Somebody else", "name": "Nobody"})
    values = texts.values_of(person, "Blue Bakery")
    assert (values["business"], values["name"]) == ("Blue Bakery", "Ann")


@pytest.mark.parametrize(
    "shares", [(50, 50), (1, 1), (64, 64), (90, 10), (1, 99), (25, 25, 25, 25), (70, 20, 10)]
)
def test_every_variant_gets_its_share_also_of_keys_that_were_made_in_a_row(shares: tuple[int, ...]) -> None:
    variants = [{"key": "ABCD"[place], "share": share} for place, share in enumerate(shares)]
    digits, many = uuid7().hex, 4000
    keys = [
        UUID(f"{digits[:17]}{number:07x}{digits[24:]}") for number in range(1, many + 1)
    ]  # as a freeze makes them

    given = Counter(str((texts.pick_variant(variants, key) or {})["key"]) for key in keys)

    for place, share in enumerate(shares):
        expected = many * share / sum(shares)
        assert abs(given["ABCD"[place]] - expected) < 5 * (expected + 1) ** 0.5
    assert texts.pick_variant(variants, keys[0]) == texts.pick_variant(variants, keys[0])
