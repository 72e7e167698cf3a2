"""One contact's page, and the pages of tags, fields, rules and words."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from contacts.models import ConsentWords, Contact, ContactNote, CustomField, Tag, TagRule
from contacts.services import consent, notes, tags
from tests import factories

HTMX = {"HX-Request": "true"}


@pytest.fixture
def there(contact):
    return f"/contacts/{contact.pk}/"


@pytest.fixture
def client(client_of, owner, business):
    return client_of(owner)


def text(response, status=200):
    assert response.status_code == status
    return response.content.decode()


def test_the_card_tells_everything(client, there, business, contact, conversation, owner):
    factories.CustomFieldFactory(business_profile=business, key="born", label="Birthday", kind="date")
    Contact.objects.filter(pk=contact.pk).update(metadata={"born": "1990-05-01"}, email="c@example.com")
    factories.MessageFactory(conversation=conversation, content="Where is my bread?")
    notes.add(business, contact, owner, "Likes <rye>")
    tags.add_by_name(business, contact, owner, "VIP")
    consent.opt_out(business, [contact.pk], how="team", actor=owner, note="Phoned")
    page = text(client.get(there))

    told = ("1 May 1990", "c@example.com", "Where is my bread?", "Likes &lt;rye&gt;", "Phoned", "Tagged VIP")
    assert [words for words in told if words not in page] == []


def test_the_card_costs_the_same_however_much_there_is(client, there, business, contact, conversation, owner):
    client.get(there)

    def cost():
        with CaptureQueriesContext(database) as captured:
            client.get(there, headers=HTMX)
        return len(captured.captured_queries)

    before = cost()
    for n in range(30):
        factories.MessageFactory(conversation=conversation, content=f"Message {n}")
        notes.add(business, contact, owner, f"Note {n}")
        tags.add_by_name(business, contact, owner, f"Tag {n}")
    assert cost() == before == 13


def test_the_timeline_goes_on_without_gaps(client, there, conversation):
    for n in range(45):
        factories.MessageFactory(conversation=conversation, content=f"Said {n:02}.")
    page, seen = text(client.get(there, headers=HTMX)), []
    while True:
        seen.append(page)
        if f"{there}past/?before=" not in page:
            break
        address = page.split(f'hx-get="{there}past/')[1].split('"')[0]
        page = text(client.get(f"{there}past/{address}", headers=HTMX))

    assert all("".join(seen).count(f"Said {n:02}.") == 1 for n in range(45))
    assert "Became a contact" in seen[-1]
    assert client.get(f"{there}past/?before=x").status_code == 422


def test_tags_and_notes_are_changed_in_place(client, there, contact, owner):
    assert "VIP" in text(client.post(f"{there}tags/", {"name": "VIP"}, headers=HTMX))
    tag = Tag.objects.get()
    assert "No tags yet" in text(client.post(f"{there}tags/{tag.pk}/remove/", headers=HTMX))
    assert "Rye" in text(client.post(f"{there}notes/", {"body": "Rye"}, headers=HTMX))
    note = ContactNote.objects.get()
    assert note.author == owner
    assert "Oats" in text(client.post(f"/contacts/notes/{note.pk}/", {"body": "Oats"}, headers=HTMX))
    assert "No notes yet" in text(client.post(f"/contacts/notes/{note.pk}/delete/", headers=HTMX))
    assert client.post(f"{there}notes/", {"body": ""}).status_code == 422


def test_opting_out_and_blocking_from_the_card(client, there, contact):
    assert "Opted out" in text(
        client.post(f"{there}consent/", {"state": "out", "note": "Phoned"}, headers=HTMX)
    )
    assert "May get campaigns" in text(client.post(f"{there}consent/", {"state": "in"}, headers=HTMX))
    assert "Blocked" in text(client.post(f"{there}block/", {"state": "on"}, headers=HTMX))
    client.post(f"{there}block/", {"state": "off"})
    contact.refresh_from_db()
    assert contact.blocked_at is None


def test_a_contact_is_added_and_changed_by_hand(client, business):
    factories.CustomFieldFactory(business_profile=business, key="age", kind="number")
    form = {"phone_number": "+49 170 1234567", "name": "Ann", "email": "ann@example.com", "field.age": "30"}
    made = client.post("/contacts/new/", form)
    contact = Contact.objects.get()
    assert made["Location"] == f"/contacts/{contact.pk}/"
    assert (contact.phone_number, contact.metadata) == ("+491701234567", {"age": 30})
    again = text(client.post("/contacts/new/", form), 422)
    assert f"/contacts/{contact.pk}/" in again

    address = f"/contacts/{contact.pk}/edit/"
    wrong = text(client.post(address, {**form, "field.age": "old"}), 422)
    assert "write a number" in wrong
    assert client.post(address, {**form, "name": "Anna", "field.age": ""}).status_code == 302
    contact.refresh_from_db()
    assert (contact.name, contact.metadata) == ("Anna", {})


def test_two_are_merged_after_a_preview(client, there, business, contact):
    other = factories.ContactFactory(business_profile=business, name="Karla", email="k@example.com")
    assert str(other.pk) in text(client.get(f"{there}merge/", {"q": "karla"}))
    assert "k@example.com" in text(client.get(f"{there}merge/", {"other": other.pk}))
    assert Contact.objects.count() == 2

    client.post(f"{there}merge/", {"other": other.pk})
    assert Contact.objects.get().email == "k@example.com"


def test_a_foreigner_is_not_merged(client, there, other_business):
    foreign = factories.ContactFactory(business_profile=other_business)

    for ask in (client.get, client.post):
        assert ask(f"{there}merge/", {"other": foreign.pk}).status_code == 404


def test_a_contact_is_deleted_after_its_name_was_typed(client, there, contact):
    assert client.post(f"{there}delete/", {"confirmation": "Somebody"}).status_code == 422
    assert client.post(f"{there}delete/", {"confirmation": "carla customer"}).status_code == 302
    assert not Contact.objects.exists()


def test_tags_are_made_edited_merged_and_deleted(client, business, contact):
    for name in ("VIP", "Lead", "Old"):
        client.post("/contacts/tags/", {"name": name, "color": "#112233"})
    assert client.post("/contacts/tags/", {"name": "vip", "color": ""}).status_code == 422
    vip, lead, old = (Tag.objects.get(name=name) for name in ("VIP", "Lead", "Old"))
    tags.add(business, [contact.pk], [lead])
    client.post(f"/contacts/tags/{vip.pk}/", {"name": "Gold", "color": "#aabbcc"})
    client.post(f"/contacts/tags/{lead.pk}/merge/", {"into": vip.pk})
    client.post(f"/contacts/tags/{old.pk}/delete/")

    page = text(client.get("/contacts/tags/"))
    assert "1 contact" in page
    assert list(Tag.objects.values_list("name", "color")) == [("Gold", "#aabbcc")]


def test_fields_are_made_moved_edited_and_deleted(client):
    client.post("/contacts/fields/", {"label": "Size", "kind": "choice", "choices": "S\nM"})
    client.post("/contacts/fields/", {"label": "City", "kind": "text"})
    assert client.post("/contacts/fields/", {"label": "City", "kind": "text"}).status_code == 422
    size, city = CustomField.objects.order_by("position")
    client.post(f"/contacts/fields/{city.pk}/move/", {"to": "up"})
    client.post(f"/contacts/fields/{size.pk}/", {"label": "Shoe", "choices": "S\nM\nL"})
    client.post(f"/contacts/fields/{city.pk}/delete/")

    assert list(CustomField.objects.values_list("label", "choices", "position")) == [
        ("Shoe", ["S", "M", "L"], 1)
    ]


def test_a_rule_is_tried_kept_rested_run_and_deleted(client, business, contact, conversation):
    tag = factories.TagFactory(business_profile=business, name="Asked")
    factories.MessageFactory(conversation=conversation, content="The price?")
    form = {"tag": tag.pk, "kind": "keyword", "keywords": "price"}
    tried = text(client.post("/contacts/rules/new/", {**form, "try": "1"}))
    assert "Carla Customer" in tried
    assert not TagRule.objects.exists()
    assert client.post("/contacts/rules/new/", {**form, "keywords": ""}).status_code == 422
    client.post("/contacts/rules/new/", form)
    address = f"/contacts/rules/{TagRule.objects.get().pk}"

    assert "Carla Customer" in text(client.get(f"{address}/run/"))
    client.post(f"{address}/run/")
    client.post(f"{address}/switch/", {"active": "no"})
    assert "Resting. 1 tagged" in text(client.get("/contacts/rules/"))
    client.post(f"{address}/delete/")
    assert not TagRule.objects.exists()


def test_words_are_changed_and_put_back(client, business):
    page = text(client.get("/contacts/consent/"))
    assert "unsubscribe" in page
    assert client.post("/contacts/consent/", {"stop.en": "", "start.en": ""}).status_code == 422
    client.post("/contacts/consent/", {"stop.en": "enough", "start.en": "again"})
    assert ConsentWords.objects.get().stop == {"en": ["enough"]}
    client.post("/contacts/consent/", {"reset": "1"})
    assert not ConsentWords.objects.exists()


def test_an_agent_manages_tags_but_not_the_business(client_of, teammate, business):
    client = client_of(teammate)

    assert client.get("/contacts/tags/").status_code == client.get("/contacts/rules/").status_code == 200
    for path in ("fields/", "consent/", "rules/new/"):
        assert client.get(f"/contacts/{path}").status_code == 403
