"""Tags, notes, custom fields and segments."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from contacts import selectors
from contacts.filters.contact_filter import ContactFilter
from contacts.models import Contact, ContactNote, ContactTag, CustomField, Segment, Tag
from contacts.services import contacts, fields, notes, segments, tags
from core.errors import Conflict, InvalidInput, NotFound
from tests import factories


def test_a_tag_is_made_renamed_and_deleted_with_a_trace(business, owner, contact):
    tag = tags.create(business, owner, "  VIP ")
    assert (tag.name, tag.color) == ("VIP", tags.PALETTE[0])
    tags.add(business, [contact.pk], [tag], owner)
    tags.update(business, tag, owner, name="Gold", color="#ABCDEF")
    tags.delete(business, Tag.objects.get(name="Gold", color="#abcdef"), owner)

    assert not ContactTag.objects.exists()
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {
        "tag.created",
        "contacts.tagged",
        "tag.updated",
        "tag.deleted",
    }


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_a_tag_without_a_usable_name_is_refused(business, name):
    with pytest.raises(InvalidInput):
        tags.create(business, None, name)


def test_two_tags_differ_by_more_than_capitals(business, other_business):
    tags.create(business, None, "VIP")
    tags.create(other_business, None, "VIP")

    with pytest.raises(Conflict):
        tags.create(business, None, "vip")
    with pytest.raises(InvalidInput):
        tags.create(business, None, "red", "red; x")


def test_tags_are_found_by_name_or_made(business):
    made = tags.find_or_create(business, None, ["VIP", "vip", "Lead"])

    assert [tag.name for tag in made] == ["VIP", "VIP", "Lead"]


def test_many_contacts_are_tagged_in_a_few_statements(business, other_business):
    tag = tags.create(business, None, "VIP")
    for _ in range(20):
        factories.ContactFactory(business_profile=business)
    factories.ContactFactory(business_profile=other_business)

    with CaptureQueriesContext(database) as captured:
        assert tags.add(business, Contact.objects.all(), [tag]) == 20
    assert tags.add(business, Contact.objects.all(), [tag]) == 0
    assert len(captured.captured_queries) <= 6
    assert tags.remove(business, Contact.objects.all(), [tag]) == 20


def test_tags_of_a_contact_are_set(business, contact):
    a, b, c = tags.find_or_create(business, None, ["a", "b", "c"])
    tags.replace(business, contact.pk, [a, b], None)
    tags.replace(business, contact.pk, [b, c], None)

    assert [tag.name for tag in selectors.tags_of(contact.pk)] == ["b", "c"]


def test_merged_tags_take_contacts_rules_and_segments_along(business, contact):
    old, new = tags.find_or_create(business, None, ["old", "new"])
    tags.add(business, [contact.pk], [old])
    rule = factories.TagRuleFactory(business_profile=business, tag=old)
    segment = segments.create(business, None, "S", ContactFilter(tags_any=(old.pk,)))

    tags.merge(business, old, new, None)

    rule.refresh_from_db()
    segment.refresh_from_db()
    assert rule.tag == new
    assert segment.filter == {"tags_any": [str(new.pk)]}
    assert selectors.tags_of(contact.pk) == [new]
    assert list(Tag.objects.all()) == [new]


def test_foreign_tags_are_not_found(business, other_business, contact):
    foreign = tags.create(other_business, None, "VIP")
    for act in (
        lambda: tags.add(business, [contact.pk], [foreign]),
        lambda: tags.update(business, foreign, None, name="x", color=""),
        lambda: tags.delete(business, foreign, None),
    ):
        with pytest.raises(NotFound):
            act()
    assert tags.add(other_business, [contact.pk], [foreign]) == 0


def test_notes_are_written_changed_and_removed(business, other_business, contact, owner):
    note = notes.add(business, contact, owner, " Likes rye\r\n")
    assert notes.update(business, note.pk, owner, "Likes oats").body == "Likes oats"
    with pytest.raises(NotFound):
        notes.delete(other_business, note.pk, owner)
    with pytest.raises(InvalidInput):
        notes.add(business, contact, owner, " ")
    notes.delete(business, note.pk, owner)

    assert not ContactNote.objects.exists()


def test_fields_get_keys_from_their_labels(business, owner):
    made = [
        fields.create(business, owner, label=label).key
        for label in ("Größe (cm)", "Città", "2nd name", "名前")
    ]
    assert made == ["grosse_cm", "citta", "field_2nd_name", "field"]
    with pytest.raises(Conflict):
        fields.create(business, owner, label="Größe cm")
    for wrong in (
        {"label": "Name"},
        {"label": ""},
        {"label": "x", "kind": "y"},
        {"label": "x", "kind": "choice"},
    ):
        with pytest.raises(InvalidInput):
            fields.create(business, owner, **wrong)


def test_fields_change_places(business, owner):
    a, _b, c = (fields.create(business, owner, label=label) for label in "abc")
    fields.move(business, c.pk, owner, up=True)
    fields.move(business, a.pk, owner, up=True)

    assert [field.key for field in selectors.fields_of(business)] == ["a", "c", "b"]


@pytest.mark.parametrize(
    ("kind", "raw", "kept"),
    [
        ("text", " a\n b ", "a b"),
        ("number", "12.50", 12.5),
        ("number", "12", 12),
        ("number", 7, 7),
        ("date", "2026-01-31", "2026-01-31"),
        ("choice", "RED", "Red"),
        ("boolean", "Yes", True),
        ("boolean", "nein", False),
    ],
)
def test_values_are_kept_by_their_kind(business, contact, owner, kind, raw, kept):
    factories.CustomFieldFactory(business_profile=business, key="f", kind=kind, choices=["Red"])

    changed = contacts.update(business, contact, owner, fields={"f": raw})

    assert changed.metadata == {"f": kept}
    assert type(changed.metadata["f"]) is type(kept)
    assert contacts.update(business, contact, owner, fields={"f": ""}).metadata == {}


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("text", "x" * 1001),
        ("number", "twelve"),
        ("number", "NaN"),
        ("number", "1e999"),
        ("date", "31.01.2026"),
        ("date", "2026-02-30"),
        ("choice", "Green"),
        ("boolean", "maybe"),
    ],
)
def test_values_of_another_kind_are_refused(business, contact, owner, kind, raw):
    factories.CustomFieldFactory(business_profile=business, key="f", kind=kind, choices=["Red"])

    with pytest.raises(InvalidInput) as refused:
        contacts.update(business, contact, owner, fields={"f": raw})
    assert refused.value.field == "f"


def test_a_deleted_field_leaves_its_values(business, contact, owner):
    field = fields.create(business, owner, label="City")
    contacts.update(business, contact, owner, fields={"city": "Ulm"})
    fields.delete(business, field.pk, owner)

    assert not CustomField.objects.exists()
    assert Contact.objects.get(pk=contact.pk).metadata == {"city": "Ulm"}


def test_segments_are_kept_renamed_and_deleted(business, other_business, owner):
    segment = segments.create(business, owner, "Germans", ContactFilter(country=("DE",)))
    with pytest.raises(Conflict):
        segments.create(business, owner, "Germans", ContactFilter())
    segments.update(business, segment.pk, owner, name="Swiss", contact_filter=ContactFilter(country=("CH",)))
    with pytest.raises(NotFound):
        segments.delete(other_business, segment.pk, owner)

    assert Segment.objects.get().filter == {"country": ["CH"]}
    segments.delete(business, segment.pk, owner)
    assert not Segment.objects.exists()
