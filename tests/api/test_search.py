"""What people type finds what was written, in every script, in the inbox, in the list of contacts and by the API."""

import json
import re
import unicodedata
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connections.drivers.base import Edited
from contacts.list.pagination import ContactFilter, page
from contacts.models import Contact
from contacts.services import contacts, identities
from core.clock import now
from core.db.search_text import search_text
from messaging.inbound import receiver
from messaging.inbox import api_queries, selectors
from messaging.models import Message
from tests.core.db.test_search_text import TEXTS
from tests.factories import ConnectionFactory, ContactFactory, ConversationFactory, MessageFactory
from tests.messaging.helpers import CARLA, hello, lease_of, queue

pytestmark = pytest.mark.services("core.db.search")

CASES = json.loads((Path(__file__).parents[1] / "cases" / "search.json").read_text())


def in_inbox(client, query):
    """The marked texts of the messages that the inbox shows for this search."""
    html = client.get("/inbox/", {"q": query}).content.decode()
    return re.findall(r"<mark>(.*?)</mark>", unescape(html))


def by_api(program, kind, query, column, more=""):
    answer = program.get(f"{kind}?search={quote(query)}{more}")
    assert answer.status_code == 200, answer.content
    return [row[column] for row in answer.json()["data"]]


@pytest.mark.parametrize(("query", "text", "found"), CASES)
def test_messages_are_found(query, text, found, conversation, owner, client_of, program):
    MessageFactory(conversation=conversation, content=text)
    MessageFactory(conversation=conversation, content="Something else 😶")

    assert by_api(program, "messages", query, "content") == ([text] if found else [])
    marked = in_inbox(client_of(owner), query)
    assert bool(marked) is found
    assert all(piece in text for piece in marked)


@pytest.mark.parametrize(("query", "text", "found"), CASES)
def test_contacts_are_found(query, text, found, business, connection, owner, client_of, program):
    person = ContactFactory(business_profile=business, name=text)
    ContactFactory(business_profile=business, name="Somebody else")
    ConversationFactory(contact=person, connection=connection, business_profile=business)

    expected = [text] if found else []
    assert by_api(program, "contacts", query, "name") == expected
    assert [one.name for one in page(business, ContactFilter(q=query)).contacts] == expected
    assert [row.name for row in selectors.inbox_page(business, owner, search=query).rows] == expected
    assert (
        client_of(owner).get("/contacts/", {"q": query}).content.decode().count("Nobody found") == 0
    ) is found


@pytest.mark.parametrize("text", TEXTS)
def test_every_word_and_all_of_them_in_another_order_are_found(text, conversation, program, business, owner):
    MessageFactory(conversation=conversation, content=text)
    words = text.split()
    for query in [*words, " ".join(reversed(words)), text, unicodedata.normalize("NFD", text)]:
        if not search_text(query):
            continue
        assert by_api(program, "messages", query[:200], "content") == [text], query
        rows = selectors.inbox_page(business, owner, search=query).rows
        assert [row.hit_text for row in rows if row.hit_message_id], query


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=60), data=st.data())
def test_any_text_is_stored_and_found_by_its_words(text, data, conversation, business, owner):
    Message.objects.all().delete()
    text = text.replace("\x00", "")
    message = MessageFactory(conversation=conversation, content=text)
    word = data.draw(st.sampled_from(text.split() or [""]))
    expected = [message.pk] if search_text(word) else []
    assert (
        list(api_queries.messages(business, {"search": word}).values_list("pk", flat=True)) == expected
        or not word
    )
    rows = selectors.inbox_page(business, owner, search=word).rows if word else []
    assert [row.hit_message_id for row in rows if row.hit_message_id] == expected


@pytest.mark.parametrize("query", ["東京", "c++", "cafe", "4711", "محمد", "x", "😀"])
def test_nothing_of_another_business_is_found(query, business, other_business, as_program, stranger):
    text = "東京 C++ Café 4711 مُحَمَّد x 😀"
    person = ContactFactory(business_profile=business, name=text)
    own = ConnectionFactory(business_profile=business)
    MessageFactory(
        conversation=ConversationFactory(contact=person, connection=own, business_profile=business),
        content=text,
    )
    other = as_program(other_business)

    assert by_api(other, "messages", query, "content") == by_api(other, "contacts", query, "name") == []
    assert selectors.inbox_page(other_business, stranger, search=query).rows == []


def test_a_search_goes_on_over_pages_and_with_other_filters(conversation, program):
    for number in range(5):
        MessageFactory(
            conversation=conversation,
            content=f"Ticket {number}",
            created_at=now() - timedelta(minutes=number),
        )
    MessageFactory(conversation=conversation, content="Ticket of ours", outbound=True)

    first = program.get("messages?search=ticket&limit=2&direction=inbound").json()
    rest = program.get(
        f"messages?search=ticket&limit=9&direction=inbound&cursor={first['meta']['nextCursor']}"
    ).json()
    assert [row["content"] for row in first["data"] + rest["data"]] == [f"Ticket {n}" for n in range(5)]
    assert by_api(program, "messages", "ticket", "content", f"&conversationId={conversation.pk}&limit=1")
    for kind in ("messages", "contacts"):
        assert program.get(f"{kind}?search=%E2%80%8D").json()["data"] == []
    assert program.get(f"messages?search={'a' * 201}").status_code == 400


def test_messages_are_found_as_they_are_now(conversation, connection, business, program):
    """Received, filled in later, edited and sent ones."""
    lease = lease_of(connection)
    receiver.receive(lease, [hello("A", body="Erster Text"), hello("B", body=None)])
    receiver.receive(lease, [hello("B", body="中文測試")])
    queue(conversation, "Größe 42")
    assert by_api(program, "messages", "erster", "content") == ["Erster Text"]
    assert by_api(program, "messages", "測試", "content") == ["中文測試"]
    assert by_api(program, "messages", "grosse", "content") == ["Größe 42"]

    receiver.receive(lease, [Edited(chat=CARLA, wa_id="A", body="Second text", at=now())])
    assert by_api(program, "messages", "erster", "content") == []
    assert by_api(program, "messages", "second", "content") == ["Second text"]


def test_contacts_are_found_as_they_are_now(business, owner, program):
    """Made by hand, by a message, changed by the team, by WhatsApp and by raw updates."""
    made = contacts.create(
        business, owner, phone_number="+4917012345678", name="Łucja", email="lu@example.com"
    )
    for query in ("lucja", "lu@example.com", "01701234", "٤٩١٧٠", "ucja", "example.com"):
        assert by_api(program, "contacts", query, "name") == ["Łucja"], query
    contacts.update(business, made, owner, name="Zoë")
    assert by_api(program, "contacts", "lucja", "name") == []
    assert by_api(program, "contacts", "zoe", "name") == ["Zoë"]

    person = identities.Person(phone="+4917012345678", push_name="東京太郎")
    identities.resolve(business.pk, [person])
    assert by_api(program, "contacts", "太郎", "name") == ["Zoë"]
    Contact.objects.filter(pk=made.pk).update(name="Renée")
    assert by_api(program, "contacts", "renee", "name") == ["Renée"]
    made.refresh_from_db()
    made.name = "Mária"
    made.save(update_fields=["name"])
    assert by_api(program, "contacts", "maria", "name") == ["Mária"]


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("x" * 300 + " cafe\u0301 " + "y" * 300, "café", "cafe\u0301"),
        ("🇩🇪" * 80 + " 👍🏽 " + "👩‍🚀" * 80, "👍", "👍🏽"),
        ("ข้อมูล" * 60, "ข้อมูล", "ข้อมูล"),
    ],
)
def test_a_snippet_shows_the_hit_and_cuts_no_character(text, query, marked, conversation, owner, client_of):
    MessageFactory(conversation=conversation, content=text)

    assert in_inbox(client_of(owner), query)[0].startswith(marked)
    (row,) = selectors.inbox_page(conversation.business_profile, owner, search=query).rows
    shown = row.hit_text.strip("…")
    assert shown in text
    assert not re.match(r"[\u0300-\u036f\u200d\U0001f3fb-\U0001f3ff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]", shown)
