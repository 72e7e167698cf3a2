"""One language for which contacts are meant."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection as database

from contacts.filters import conditions
from contacts.filters.contact_filter import ContactFilter
from contacts.filters.describe import describe
from contacts.models import Contact, CustomField
from contacts.services import tags
from core.clock import now
from core.errors import InvalidInput
from tests import factories

pytestmark = pytest.mark.services


@pytest.fixture
def people(business, other_business):
    """Ann (VIP, wrote yesterday), Ben (VIP, Lead, opted out), Cem (nothing known but a LID); a stranger's Ann."""
    vip, lead = (factories.TagFactory(business_profile=business, name=name) for name in ("VIP", "Lead"))
    for key, kind in (("city", "text"), ("age", "number"), ("born", "date"), ("member", "boolean")):
        factories.CustomFieldFactory(business_profile=business, key=key, kind=kind)
    ann = factories.ContactFactory(
        business_profile=business,
        name="Ann Örjansson",
        phone_number="+4917012345678",
        email="ann@example.com",
        country="DE",
        metadata={"city": "Zürich", "age": 30, "born": "1990-05-01", "member": True},
        first_message_at=now() - timedelta(days=9),
        last_message_at=now() - timedelta(days=1),
    )
    ben = factories.ContactFactory(
        business_profile=business,
        name="Ben",
        push_name="Benny Hill",
        phone_number="+5511987654321",
        country="BR",
        metadata={"age": 9},
        opted_out_at=now(),
        first_message_at=now() - timedelta(days=40),
        last_message_at=now() - timedelta(days=30),
    )
    cem = factories.ContactFactory(business_profile=business, name="Cem", phone_number=None, blocked_at=now())
    factories.ContactFactory(business_profile=other_business, name="Ann Other", country="DE")
    tags.add(business, [ann.pk, ben.pk], [vip])
    tags.add(business, [ben.pk], [lead])
    return {"vip": str(vip.pk), "lead": str(lead.pk), "cem": cem}


def found(business, **wanted):
    rows = ContactFilter.parse(business, wanted).apply(business)
    return "".join(sorted(name[0] for name in rows.values_list("name", flat=True)))


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("", "ABC"),
        ("örjans", "A"),
        ("ÖRJANSSON", "A"),
        ("benny", "B"),
        ("an", "A"),
        ("ill", "B"),
        ("hi", "B"),
        ("@example", "A"),
        ("zürich", "A"),
        ("ZÜR", "A"),
        ("170 1234", "A"),
        ("+49 (0)170 / 1234", "A"),
        ("0170-12345678", "A"),
        ("0049 170 12345678", "A"),
        ("70123", "A"),
        ("+55 11 8765-4321", "B"),
        ("100%", ""),
        ("\\", ""),
        ('"', ""),
        ("_nn", ""),
        ("city", ""),
    ],
)
def test_a_text_is_found_in_names_numbers_addresses_and_fields(business, people, text, who):
    business.default_country = "DE"

    assert found(business, q=text) == who


def test_tags_any_all_and_none(business, people):
    vip, lead = people["vip"], people["lead"]

    assert found(business, tags_any=[vip, lead]) == "AB"
    assert found(business, tags_any=[lead]) == "B"
    assert found(business, tags_all=[vip, lead]) == "B"
    assert found(business, tags_none=[lead]) == "AC"
    assert found(business, tags_any=[vip], tags_none=[lead]) == "A"


def test_flags_countries_and_times(business, people):
    week = (now() - timedelta(days=7)).isoformat()

    assert found(business, opted_out=True) == found(business, opted_out="true") == "B"
    assert found(business, blocked=False) == "AB"
    assert found(business, has_number=False) == found(business, never_wrote=True) == "C"
    assert found(business, country="de") == "A"
    assert found(business, country=["DE", "BR"]) == "AB"
    assert found(business, last_message_after=week) == "A"
    assert found(business, last_message_before=week) == "B"
    assert found(business, first_message_after="2020-01-01", first_message_before=week) == "AB"


def test_who_talks_with_one_of_our_numbers(business, other_business, people, connection, conversation):
    second = factories.ConnectionFactory(business_profile=business)
    ann = Contact.objects.get(name="Ann Örjansson")
    factories.ConversationFactory(business_profile=business, contact=ann, connection=second)
    with_second = ContactFilter.parse(business, {"connection": str(second.pk)})
    assert found(business, connection=str(second.pk)) == "A"
    assert found(business, connection=[str(second.pk)], never_wrote=True) == ""
    assert describe(business, with_second) == [f"talks with {second.display_name}"]
    assert ContactFilter.load(business, with_second.to_dict()) == with_second
    with pytest.raises(InvalidInput):
        ContactFilter.parse(other_business, {"connection": str(second.pk)})
    second.delete()
    assert describe(business, with_second) == ["talks with a removed number"]
    assert not with_second.apply(business).exists()


@pytest.mark.parametrize(
    ("test", "who"),
    [
        ({"city": {"is": "Zürich"}}, "A"),
        ({"city": {"contains": "üri"}}, "A"),
        ({"city": {"set": False}}, "BC"),
        ({"age": {"gt": "9"}}, "A"),
        ({"age": {"gte": 9}}, "AB"),
        ({"age": {"lt": 10}}, "B"),
        ({"age": {"is_not": 9}}, "AC"),
        ({"age": {"gte": 9, "lte": 9}}, "B"),
        ({"born": {"lt": "1990-05-02"}}, "A"),
        ({"member": {"is": "yes"}}, "A"),
    ],
)
def test_custom_fields(business, people, test, who):
    assert found(business, fields=test) == who


def test_it_goes_through_json_and_back(business, people):
    wanted = ContactFilter.parse(
        business,
        {
            "q": "ann",
            "tags_any": [people["vip"]],
            "last_message_after": "2026-01-31",
            "opted_out": False,
            "country": "DE",
            "fields": {"age": {"gte": 18}},
        },
    )
    stored = json.loads(json.dumps(wanted.to_dict()))

    assert ContactFilter.parse(business, stored) == ContactFilter.load(business, stored) == wanted
    assert describe(business, wanted) == [
        "“ann”",
        "tagged VIP",
        "last message since 31 Jan 2026",
        "not opted out",
        "country DE",
        "Age is at least 18",
    ]
    assert not ContactFilter()


def test_a_tag_that_is_gone_matches_nobody(business, people):
    stored = ContactFilter.parse(business, {"tags_any": [people["lead"]]}).to_dict()
    tags.delete(business, tags.Tag.objects.get(name="Lead"), None)

    loaded = ContactFilter.load(business, stored)
    assert not loaded.apply(business).exists()
    assert describe(business, loaded) == ["tagged a deleted tag"]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"nonsense": 1}, "nonsense"),
        ({"q": 5}, "q"),
        ({"tags_any": ["x"]}, "tags_any"),
        ({"last_message_after": "yesterday"}, "last_message_after"),
        ({"opted_out": "perhaps"}, "opted_out"),
        ({"country": "Germany"}, "country"),
        ({"fields": {"shoe": {"is": 1}}}, "fields"),
        ({"fields": {"age": {"contains": 1}}}, "fields"),
        ({"fields": {"age": {"is": "old"}}}, "age"),
        ({"fields": "age"}, "fields"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(business, people, wanted, field):
    with pytest.raises(InvalidInput) as refused:
        ContactFilter.parse(business, wanted)

    assert refused.value.field == field


def test_another_businesss_tag_is_refused(business, other_business, people):
    with pytest.raises(InvalidInput):
        ContactFilter.parse(other_business, {"tags_any": [people["vip"]]})


def test_what_is_searched_follows_every_change(business, people):
    Contact.objects.filter(name="Ben").update(email="ben@new.example", metadata={"city": "Lagos"})

    assert found(business, q="new.example") == found(business, q="lagos") == "B"
    Contact.objects.filter(name="Ben").delete()
    assert found(business, q="lagos") == ""


def test_the_search_uses_its_index(require_postgres, business):
    rows = Contact.objects.filter(conditions.search(business, "anna"))
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        sql, parameters = rows.query.sql_with_params()
        cursor.execute("EXPLAIN " + sql, parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "contacts_terms" in plan


def test_kinds_of_fields_are_all_known_to_filters():
    from contacts.filters.conditions import OPERATORS

    assert set(OPERATORS) == set(CustomField.Kind)
