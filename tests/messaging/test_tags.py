"""Tags in the inbox: on rows, to choose by, beside a chat."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from contacts.services import tags
from messaging.inbox import selectors
from tests import factories


@pytest.fixture
def vip(business, contact, conversation, connection):
    """Carla carries VIP; somebody else does not."""
    factories.ConversationFactory(business_profile=business, connection=connection)
    (tag,) = tags.find_or_create(business, None, ["VIP"])
    tags.add(business, [contact.pk], [tag])
    return tag


def test_rows_carry_their_tags_and_a_tag_chooses(business, owner, conversation, vip):
    page = selectors.inbox_page(business, owner)
    chosen = selectors.inbox_page(business, owner, tag=vip.pk)

    assert {row.id: [tag.name for tag in row.tags] for row in page.rows}[conversation.pk] == ["VIP"]
    assert len(page.rows) == 2
    assert [row.id for row in chosen.rows] == [conversation.pk]
    assert [tag.name for tag in page.tags] == ["VIP"]
    assert selectors.rows_of(business.pk, [conversation.pk])[0].tags[0].name == "VIP"


def test_tags_cost_one_query_a_page(business, owner, vip, connection):
    def cost():
        with CaptureQueriesContext(database) as captured:
            selectors.inbox_page(business, owner)
        return len(captured.captured_queries)

    few = cost()
    for n in range(20):
        made = factories.ConversationFactory(business_profile=business, connection=connection)
        tags.add_by_name(business, made.contact, None, f"Tag {n}")
    assert cost() == few == 2


def test_another_businesss_tag_chooses_nobody(business, owner, other_business, vip):
    foreign = factories.TagFactory(business_profile=other_business)

    page = selectors.inbox_page(business, owner, tag=foreign.pk)
    assert page.rows == []
    assert [tag.name for tag in page.tags] == ["VIP"]


def test_the_list_shows_and_offers_tags(client_of, owner, vip):
    page = client_of(owner).get("/inbox/", {"tag": vip.pk}).content.decode()

    assert page.count('data-tags="') == 1
    assert f'<option value="{vip.pk}" selected>VIP</option>' in page


def test_tags_and_notes_are_changed_beside_the_chat(client_of, owner, contact, conversation):
    client = client_of(owner)
    htmx = {"HX-Request": "true"}
    assert f"/contacts/{contact.pk}/side/" in client.get(f"/inbox/{conversation.pk}/").content.decode()

    tagged = client.post(f"/contacts/{contact.pk}/tags/", {"name": "VIP", "view": "inbox"}, headers=htmx)
    noted = client.post(f"/contacts/{contact.pk}/notes/", {"body": "Rye", "view": "inbox"}, headers=htmx)

    assert "VIP" in tagged.content.decode()
    assert "Timeline" not in tagged.content.decode()
    assert "Rye" in noted.content.decode()
