"""The list, the chat and the search: one query a page, by key, and only of one's own business."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from core.clock import now
from core.errors import InvalidInput, NotFound
from core.ids import uuid7
from messaging.inbox import chat, search, selectors
from messaging.inbox.read_models import ChatMessage
from messaging.media import media_files
from messaging.models import Message
from tests import factories
from tests.messaging.helpers import ago

pytestmark = pytest.mark.services


def many_conversations(business, connection, count):
    started = ago(days=1)
    for n in range(count):
        person = factories.ContactFactory(
            business_profile=business, name=f"Person {n:03}", phone_number=f"+99940000{n:05}"
        )
        factories.ConversationFactory(
            business_profile=business,
            contact=person,
            connection=connection,
            last_message_at=started + timedelta(seconds=n // 2),
        )


def test_pages_by_key_cover_the_list_once(business, connection, owner):
    many_conversations(business, connection, 23)

    seen, cursor = [], None
    while True:
        page = selectors.inbox_page(business, owner, tab="all", before=cursor, limit=5)
        seen += [(row.last_message_at, row.id) for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == len(seen) == 23


@pytest.mark.parametrize("count", [2, 200])
def test_the_list_costs_two_queries_at_any_length(business, connection, owner, count):
    many_conversations(business, connection, count)

    for tab in selectors.TABS:
        with CaptureQueriesContext(database) as captured:
            selectors.inbox_page(business, owner, tab=tab, limit=100)
        assert len(captured) == 2


@pytest.mark.parametrize("count", [2, 60])
def test_a_chat_costs_two_queries_at_any_length(business, conversation, owner, count):
    first = factories.MessageFactory(conversation=conversation)
    for _ in range(count):
        factories.MessageFactory(
            conversation=conversation, outbound=True, sender=owner, reply_to_wa_id=first.whatsapp_message_id
        )

    with CaptureQueriesContext(database) as captured:
        page = chat.messages_page(business, conversation, limit=100)
        assert [message.sender_name for message in page.messages[1:]] == ["Olive Owner"] * count
        assert page.quoted == {first.whatsapp_message_id: ChatMessage.of(first)}
    assert len(captured) == 2


def test_unknown_tabs_and_cursors_are_explained(business, owner):
    for arguments in ({"tab": "secret"}, {"before": "nonsense"}, {"before": "2026-01-01~x"}, {"before": "~"}):
        with pytest.raises(InvalidInput):
            selectors.inbox_page(business, owner, **arguments)


def test_a_chat_can_be_walked_both_ways_from_any_message(business, conversation):
    made = [
        factories.MessageFactory(conversation=conversation, created_at=ago(minutes=100 - n // 2))
        for n in range(30)
    ]

    middle = chat.messages_page(business, conversation, around=made[15].pk, limit=6)
    assert made[15].pk in [message.id for message in middle.messages]
    older = chat.messages_page(business, conversation, before=middle.older, limit=50)
    newer = chat.messages_page(business, conversation, after=middle.newer, limit=50)

    together = [message.id for message in (*older.messages, *middle.messages, *newer.messages)]
    assert together == [one.pk for one in sorted(made, key=lambda message: (message.created_at, message.pk))]
    assert (older.older, newer.newer) == (None, None)


def test_the_newest_page_has_nothing_newer(business, conversation):
    for _ in range(4):
        factories.MessageFactory(conversation=conversation)

    page = chat.messages_page(business, conversation, limit=3)

    assert page.newer is None
    assert page.older is not None
    assert chat.messages_page(business, conversation, before=page.older, limit=3).newer is not None


def test_another_businesss_ids_are_not_found(other_business, conversation):
    message = factories.MessageFactory(conversation=conversation)

    for look_up in (
        lambda: selectors.get_conversation(other_business, conversation.pk),
        lambda: selectors.get_message(other_business, message.pk),
        lambda: media_files.get_media(other_business, uuid7()),
        lambda: selectors.get_conversation(other_business, "../../etc"),
    ):
        with pytest.raises(NotFound):
            look_up()
    assert selectors.rows_of(other_business.pk, [conversation.pk]) == []
    assert chat.messages_by_id(other_business.pk, [message.pk]) == []
    assert chat.messages_page(other_business, conversation).messages == []


# -- search ----------------------------------------------------------------------------------------


def found_names(business, owner, text):
    rows = selectors.inbox_page(business, owner, search=text).rows
    return [row.name for row in rows if row.hit_message_id is None]


def found_texts(business, owner, text):
    rows = selectors.inbox_page(business, owner, search=text).rows
    return [row.hit_text for row in rows if row.hit_message_id]


@pytest.fixture
def talk(business, conversation):
    """Three messages of one conversation, at different times."""
    return [
        factories.MessageFactory(
            conversation=conversation, content=text, created_at=now() - timedelta(hours=age)
        )
        for text, age in (
            ("Is the Apfelkuchen fresh?", 3),
            ("Yes, baked at 100% today", 2),
            ("apfel & more", 1),
        )
    ]


@pytest.mark.parametrize(
    "text", ["carla", "CUSTOMER", "rla Cus", "Ca", "C", "+999 200-0000", "2000000001", "001"]
)
def test_people_are_found_by_name_and_number(business, owner, conversation, text):
    assert found_names(business, owner, text) == ["Carla Customer"]


def test_people_are_found_by_the_name_they_gave_themselves(business, owner, conversation):
    conversation.contact.name, conversation.contact.push_name = "", "Ünal Öz"
    conversation.contact.save()

    assert found_names(business, owner, "ünal") == ["Ünal Öz"]
    assert found_names(business, owner, "carla") == []


def test_texts_are_found_newest_first_and_open_at_the_hit(business, owner, talk):
    rows = selectors.inbox_page(business, owner, search="apfel").rows

    assert [row.hit_message_id for row in rows] == [talk[2].pk, talk[0].pk]
    assert found_texts(business, owner, "fresh apfelk") == ["Is the Apfelkuchen fresh?"]
    assert found_texts(business, owner, "nowhere") == []


@pytest.mark.parametrize("text", ["100%", "Ap", "fresh?", "is"])
def test_short_words_and_signs_are_searched_sensibly(business, owner, talk, text):
    assert found_texts(business, owner, text)


@pytest.mark.parametrize(
    "text", ['"', "'", "' OR 1=1 --", "%", "_", ":*", "&|!()", "\\", "NEAR(", "a" * 5000, "\x00"]
)
def test_no_search_text_breaks_the_search(business, owner, talk, text):
    selectors.inbox_page(business, owner, search=text)


def test_changed_and_deleted_texts_are_searched_as_they_are(business, owner, talk):
    Message.objects.filter(pk=talk[0].pk).update(content="Something else")
    talk[2].delete()

    assert found_texts(business, owner, "apfel") == []
    assert found_texts(business, owner, "something") == ["Something else"]


def test_another_business_finds_nothing_of_ours(other_business, stranger, talk):
    for text in ("apfel", "carla", "2000000001", "ca"):
        assert selectors.inbox_page(other_business, stranger, search=text).rows == []


def test_a_long_hit_is_cut_around_the_word(business, owner, conversation):
    factories.MessageFactory(conversation=conversation, content="long " * 200 + "needle " + "tail " * 200)

    (text,) = found_texts(business, owner, "needle")
    assert "needle" in text
    assert len(text) < 130


@pytest.mark.parametrize(
    "text", ["CC-109148", "order cc-109148", "cc-109", "wheel-throwing", "throwing", "wheel-thr"]
)
def test_order_numbers_and_compounds_are_found_as_they_are_written(business, owner, conversation, text):
    factories.MessageFactory(conversation=conversation, content="Order CC-109148: one wheel-throwing course")
    factories.MessageFactory(conversation=conversation, content="Order CC-209148: one bowl")

    assert found_texts(business, owner, text) == ["Order CC-109148: one wheel-throwing course"]


def test_what_is_older_than_the_latest_messages_is_found_by_the_index(business, owner, talk, monkeypatch):
    monkeypatch.setattr(search, "LATEST", 1)

    assert found_texts(business, owner, "apfel") == ["apfel & more", "Is the Apfelkuchen fresh?"]
    assert found_texts(business, owner, "fresh") == ["Is the Apfelkuchen fresh?"]


def test_who_wrote_long_ago_is_found_by_the_index(business, connection, owner, conversation, monkeypatch):
    monkeypatch.setattr(search, "PEOPLE", 1)
    many_conversations(business, connection, 3)

    assert found_names(business, owner, "carla") == ["Carla Customer"]
    assert found_names(business, owner, "person") == ["Person 002", "Person 001", "Person 000"]


def test_a_search_that_takes_too_long_tells_the_latest_and_says_so(
    business, owner, talk, monkeypatch, require_postgres, client_of
):
    monkeypatch.setattr(search, "LATEST", 1)
    monkeypatch.setattr(search, "TIMEOUT_MS", 1)
    monkeypatch.setattr(search.Found, "as_sql", lambda *_: ("(SELECT pg_sleep(5)) IS NOT NULL", ()))

    assert found_texts(business, owner, "apfel") == ["apfel & more"]
    html = client_of(owner).get("/inbox/", {"q": "apfel"}).content.decode()
    assert "only the latest messages were searched" in html


def test_a_search_that_looked_at_everything_says_nothing(business, owner, talk, client_of):
    html = client_of(owner).get("/inbox/", {"q": "apfel"}).content.decode()
    assert "<mark>Apfel</mark>kuchen" in html
    assert "only the latest messages were searched" not in html


def test_sqlite_keeps_its_search_triggers(require_sqlite):
    with database.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        triggers = {name for (name,) in cursor.fetchall()}

    for table in ("contacts", "messages"):
        assert {f"{table}_fts_insert", f"{table}_fts_update", f"{table}_fts_delete"} <= triggers


def test_a_hit_far_back_in_a_text_begins_shortly_before_the_word(business, owner, conversation):
    text = "It is such a long story that I hardly know where to begin, but my parcel is lost"
    factories.MessageFactory(conversation=conversation, content=text)

    assert found_texts(business, owner, "parcel") == ["…gin, but my parcel is lost"]
