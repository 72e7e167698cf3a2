"""The inbox's pages: who sees what, whole and in parts, and at what cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import BusinessProfile, User
from connections.models import WhatsAppConnection
from contacts.models import Contact
from messaging.models import Conversation, Draft, Message
from messaging.services import conversation_summary
from tests import factories

HTMX = {"HX-Request": "true"}
PAYLOAD = "\"><img src=x onerror=alert(1)><script>alert(1)</script>'"
INBOX_QUERIES = 8
"""Session, user, membership, rows, numbers, businesses, unread count, and their like; whatever is in the list."""

ClientOf = Callable[..., Client]


@pytest.fixture
def client(client_of: ClientOf, owner: User, business: BusinessProfile) -> Client:
    return client_of(owner)


def page(conversation: Conversation, name: str = "conversation") -> str:
    return reverse(f"messaging:{name}", args=[conversation.pk])


def make_conversations(business: BusinessProfile, number: WhatsAppConnection, count: int) -> None:
    for index in range(count):
        talk = factories.ConversationFactory(business_profile=business, connection=number)
        message = factories.MessageFactory(conversation=talk, outbound=index % 2 == 0)
        conversation_summary.update(message)


# -- the list ----------------------------------------------------------------------------------------------------------


def test_an_anonymous_person_is_sent_to_the_login(conversation: Conversation) -> None:
    response = Client().get(reverse("messaging:inbox"))
    assert response.status_code == 302
    assert "login" in response["Location"]


@pytest.mark.parametrize("role", ["owner", "admin_member", "teammate", "viewer"])
def test_every_member_sees_the_list_and_the_chat(
    role: str, conversation: Conversation, client_of: ClientOf, request: pytest.FixtureRequest
) -> None:
    client = client_of(request.getfixturevalue(role))
    assert b"Carla Customer" in client.get(reverse("messaging:inbox")).content
    assert b'id="chat"' in client.get(page(conversation)).content


def test_a_stranger_sees_an_empty_list_and_no_chat(
    conversation: Conversation, client_of: ClientOf, stranger: User, other_business: BusinessProfile
) -> None:
    client = client_of(stranger)
    assert b"Carla" not in client.get(reverse("messaging:inbox")).content
    for name in ("conversation", "messages"):
        assert client.get(page(conversation, name)).status_code == 404


def test_htmx_gets_rows_alone(client: Client, conversation: Conversation) -> None:
    whole = client.get(reverse("messaging:inbox")).content.decode()
    part = client.get(reverse("messaging:inbox"), headers=HTMX).content.decode()
    assert "<html" in whole
    assert "<html" not in part
    assert part.count('class="inbox-row"') == whole.count('class="inbox-row"') == 1


def test_htmx_gets_the_conversation_without_the_list(client: Client, conversation: Conversation) -> None:
    part = client.get(page(conversation), headers=HTMX)
    assert b'id="chat"' in part.content
    assert b'id="inbox-list"' not in part.content
    assert "HX-Request" in part["Vary"]


@pytest.mark.parametrize("part", ["header", "card"])
def test_a_part_of_the_conversation_can_be_fetched_alone(
    part: str, client: Client, conversation: Conversation
) -> None:
    html = client.get(page(conversation), {"part": part}, headers=HTMX).content.decode()
    assert "Carla Customer" in html
    assert 'id="chat-messages"' not in html


def test_the_tabs_show_what_they_say(
    client: Client, business: BusinessProfile, connection: WhatsAppConnection, owner: User
) -> None:
    def make(name: str, **fields: object) -> None:
        contact = factories.ContactFactory(business_profile=business, name=name)
        factories.ConversationFactory(
            business_profile=business, connection=connection, contact=contact, **fields
        )

    make("Plain")
    make("Waiting", unread_count=2)
    make("Ours", assigned_to=owner)
    make("Done", state="closed")
    shown = {
        tab: set(
            re.findall(
                r'inbox-row-name" dir="auto">(\w+)<',
                client.get(reverse("messaging:inbox"), {"tab": tab}, headers=HTMX).content.decode(),
            )
        )
        for tab in ("unread", "mine", "open", "closed", "all")
    }
    assert shown == {
        "unread": {"Waiting"},
        "mine": {"Ours"},
        "open": {"Plain", "Waiting", "Ours"},
        "closed": {"Done"},
        "all": {"Plain", "Waiting", "Ours", "Done"},
    }


def test_nonsense_in_the_address_shows_the_first_page(client: Client, conversation: Conversation) -> None:
    response = client.get(reverse("messaging:inbox"), {"tab": "nonsense"})
    assert response.status_code == 200
    assert client.get(reverse("messaging:inbox"), {"before": "x"}, headers=HTMX).status_code == 422


def test_the_list_goes_on_after_fifty(
    client: Client, business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    make_conversations(business, connection, 60)
    first = client.get(reverse("messaging:inbox"), headers=HTMX).content.decode()
    more = re.search(r'data-more><a href="([^"]+)"', first)
    assert more is not None
    second = client.get(more[1].replace("&amp;", "&"), headers=HTMX).content.decode()
    ids = re.findall(r'data-conversation="([0-9a-f-]+)"', first + second)
    assert len(ids) == len(set(ids)) == 60


@pytest.mark.parametrize("name", ["inbox", "conversation"])
def test_a_page_costs_the_same_queries_with_2_and_200_conversations(
    name: str,
    client: Client,
    business: BusinessProfile,
    connection: WhatsAppConnection,
    conversation: Conversation,
) -> None:
    url = page(conversation) if name == "conversation" else reverse("messaging:inbox")
    client.get(url)

    def count() -> int:
        with CaptureQueriesContext(database) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    make_conversations(business, connection, 1)
    few = count()
    make_conversations(business, connection, 198)
    assert count() == few
    if name == "inbox":
        assert few <= INBOX_QUERIES


def test_a_search_opens_the_conversation_at_the_message(client: Client, conversation: Conversation) -> None:
    hit = factories.MessageFactory(conversation=conversation, content="Is the pistachio cake still there?")
    for index in range(70):
        factories.MessageFactory(
            conversation=conversation,
            content=f"later {index}",
            created_at=timezone.now() + timedelta(minutes=index),
        )
    html = client.get(reverse("messaging:inbox"), {"q": "pistachio"}, headers=HTMX).content.decode()
    assert "<mark>pistachio</mark>" in html
    link = re.search(r'href="([^"]+\?at=[^"#]+)', html)
    assert link is not None
    chat = client.get(link[1], headers=HTMX).content.decode()
    assert f'data-at="{hit.pk}"' in chat
    assert f'id="message-{hit.pk}"' in chat
    assert 'data-newer="yes"' in chat


def test_the_number_of_a_row_shows_only_when_there_are_several(
    client: Client, business: BusinessProfile, conversation: Conversation
) -> None:
    assert b"data-many-numbers" not in client.get(reverse("messaging:inbox")).content
    factories.ConnectionFactory(business_profile=business)
    assert b"data-many-numbers" in client.get(reverse("messaging:inbox")).content


# -- the chat ----------------------------------------------------------------------------------------------------------


def test_older_messages_come_in_pages_without_overlap(client: Client, conversation: Conversation) -> None:
    for index in range(120):
        factories.MessageFactory(
            conversation=conversation,
            content=str(index),
            created_at=timezone.now() + timedelta(seconds=index),
        )
    html = client.get(page(conversation), headers=HTMX).content.decode()
    seen = re.findall(r'id="message-([0-9a-f-]+)"', html)
    assert "119" in html
    while older := re.search(r'data-extend="older"><a href="([^"]+)"', html):
        html = client.get(older[1].replace("&amp;", "&"), headers=HTMX).content.decode()
        assert 'data-extend="newer"' not in html
        seen += re.findall(r'id="message-([0-9a-f-]+)"', html)
    assert len(seen) == len(set(seen)) == 120


def test_what_is_kept_of_a_bubble_follows_its_state_and_holds_no_token(
    client: Client, conversation: Conversation
) -> None:
    message = factories.MessageFactory(conversation=conversation, outbound=True, status="sent")

    def bubble() -> str:
        html = client.get(page(conversation)).content.decode()
        return html[html.index(f'id="message-{message.pk}"') :].split("</li>")[0]

    assert "ticks-sent" in bubble()
    Message.objects.filter(pk=message.pk).update(status="read", content="Edited")
    assert "ticks-read" in bubble()
    assert "Edited" in bubble()
    Message.objects.filter(pk=message.pk).update(status="failed")
    tokens = [re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', bubble()) for _ in range(2)]
    assert len({found[1] for found in tokens if found}) == 2


def test_what_is_kept_of_a_row_follows_the_conversation(client: Client, conversation: Conversation) -> None:
    def row() -> str:
        html = client.get(reverse("messaging:inbox")).content.decode()
        return html[html.index(f'id="row-{conversation.pk}"') :].split("</li>")[0]

    assert "Renamed" not in row()
    Contact.objects.filter(pk=conversation.contact_id).update(name="Renamed <b>")
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=7, preview="Something new")
    html = row()
    assert "Renamed &lt;b&gt;" in html
    assert 'data-unread="7"' in html
    assert "Something new" in html


def test_older_messages_can_be_read_as_a_page_without_javascript(
    client: Client, conversation: Conversation
) -> None:
    factories.MessageFactory(conversation=conversation, content="a plain page")
    html = client.get(page(conversation, "messages")).content.decode()
    assert "<html" in html
    assert "a plain page" in html


def test_the_line_of_new_messages_stands_above_the_first_unread_one(
    client: Client, conversation: Conversation
) -> None:
    for index in range(4):
        factories.MessageFactory(
            conversation=conversation,
            content=f"text {index}",
            created_at=timezone.now() + timedelta(seconds=index),
        )
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=2)
    html = client.get(page(conversation), headers=HTMX).content.decode()
    assert html.count("New messages") == 1
    assert html.index("text 1") < html.index("New messages") < html.index("text 2")


@pytest.mark.parametrize(
    ("status", "label", "action"),
    [
        ("queued", "Waiting to be sent", "Cancel"),
        ("sending", "Being sent", ""),
        ("sent", "Sent", ""),
        ("delivered", "Delivered", ""),
        ("read", "Read", ""),
        ("failed", "Not sent", "Retry"),
        ("unknown", "May have been sent", "Send again"),
        ("cancelled", "Cancelled", ""),
    ],
)
def test_each_state_has_its_ticks_and_its_action(
    status: str, label: str, action: str, client: Client, conversation: Conversation
) -> None:
    message = factories.MessageFactory(conversation=conversation, outbound=True, status=status)
    html = client.get(page(conversation), headers=HTMX).content.decode()
    assert f'class="ticks ticks-{status}" role="img" aria-label="{label}"' in html
    note = html.split(f'id="note-{message.pk}"')[1].split("</li>")[0]
    assert (action in note) if action else ("<button" not in note.split("</div>")[0])


def test_a_failed_message_says_why(client: Client, conversation: Conversation) -> None:
    factories.MessageFactory(
        conversation=conversation, outbound=True, status="failed", error_code="not_on_whatsapp"
    )
    assert b"This number is not on WhatsApp." in client.get(page(conversation)).content


def test_a_message_that_whatsapps_limit_holds_back_says_so(
    client: Client, conversation: Conversation
) -> None:
    factories.MessageFactory(conversation=conversation, outbound=True, status="queued", error_code="limited")
    assert b"lets this number write to nobody new" in client.get(page(conversation)).content


def test_a_reply_shows_what_it_answers_and_leads_there(client: Client, conversation: Conversation) -> None:
    asked = factories.MessageFactory(conversation=conversation, content="Do you deliver?")
    factories.MessageFactory(
        conversation=conversation, outbound=True, content="Yes", reply_to_wa_id=asked.whatsapp_message_id
    )
    html = client.get(page(conversation), headers=HTMX).content.decode()
    assert f'data-jump="{asked.pk}"' in html
    assert html.count("Do you deliver?") >= 2


@pytest.mark.parametrize(
    ("kind", "metadata", "words"),
    [
        ("location", {"latitude": 1.5, "longitude": -2.25, "name": "Harbour"}, "Harbour"),
        ("location", {"latitude": "<b>", "longitude": None}, "Location"),
        ("contact_card", {"name": "Ann", "phones": ["+1"]}, "Ann"),
        ("poll", {"question": "Which?", "options": ["A", "B"]}, "Which?"),
        ("unknown", {}, "not supported here"),
        ("unknown", {"type": "revoked"}, "This message was deleted"),
        ("image", {}, "not available here"),
        ("poll", [], "Poll"),
    ],
)
def test_what_is_neither_text_nor_file_is_described(
    kind: str, metadata: object, words: str, client: Client, conversation: Conversation
) -> None:
    factories.MessageFactory(conversation=conversation, message_type=kind, content="", metadata=metadata)
    assert words in client.get(page(conversation), headers=HTMX).content.decode()


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        ("wanted", "", "Picture is being downloaded…"),
        ("wanted", "download_failed", "The download failed. It will be tried again."),
        (
            "wanted",
            "storage_full",
            "There is no room left for files on this server. The download will be tried again.",
        ),
        ("failed", "", "The file is not available."),
        ("failed", "media_gone", "WhatsApp no longer has this file. It may still be on the phone."),
        (
            "failed",
            "download_failed",
            "The file could not be downloaded after several tries. Open it on the phone.",
        ),
        ("failed", "file_too_large", "The file is larger than 100.0\xa0MB, the most that is kept here."),
        ("failed", "storage_full", "There was no room left for files on this server."),
        ("failed", "not_stored", "The file could not be saved on this server after several tries."),
        ("failed", "empty_file", "The file is empty."),
        ("failed", "forbidden_type", "Files of this type were not kept when this one arrived."),
        ("failed", "broken_image", "Damaged pictures were not kept when this one arrived."),
        ("failed", "image_too_large", "Pictures with so many pixels were not kept when this one arrived."),
        ("failed", "something_new", "The file could not be downloaded after several tries."),
    ],
)
def test_a_file_that_is_not_here_says_its_name_its_size_and_why(
    state: str, code: str, words: str, client: Client, conversation: Conversation
) -> None:
    file = factories.MediaFileFactory(
        business_profile=conversation.business_profile,
        state=state,
        error_code=code,
        name="holiday.jpg",
        size=3 * 1024 * 1024,
    )
    factories.MessageFactory(conversation=conversation, message_type="image", content="", media=file)
    html = client.get(page(conversation), headers=HTMX).content.decode()
    assert words in html
    assert "holiday.jpg" in html
    assert "JPG · 3.0\xa0MB" in html
    assert "message-picture" not in html
    assert str(file.pk) not in html  # nothing leads to a file that is not there


@pytest.mark.parametrize(
    ("name", "ending"),
    [("invoice.pdf.exe", "EXE"), ("חשבונית.pdf.exe", "EXE"), ("README", ""), ("a.tar.gz", "GZ")],
)
def test_a_files_ending_is_said_apart_from_its_name(
    name: str, ending: str, client: Client, conversation: Conversation
) -> None:
    file = factories.MediaFileFactory(
        business_profile=conversation.business_profile, kind="document", name=name, size=2048
    )
    factories.MessageFactory(conversation=conversation, message_type="document", content="", media=file)
    html = client.get(page(conversation), headers=HTMX).content.decode()
    assert f'<span class="message-file-name" dir="auto">{name}</span>' in html
    assert f'dir="auto">{ending + " · " if ending else ""}2.0\xa0KB</span>' in html


def test_a_viewer_reads_and_finds_no_way_to_write(
    client_of: ClientOf, viewer: User, conversation: Conversation
) -> None:
    html = client_of(viewer).get(page(conversation)).content.decode()
    assert "<textarea" not in html
    assert "You can read here" in html
    assert "data-read-url" not in html
    assert "data-can-reply" not in html


def test_a_disconnected_number_is_announced_and_can_still_be_written_with(
    client: Client, conversation: Conversation
) -> None:
    WhatsAppConnection.objects.update(status="disconnected", status_reason="unlinked")
    html = client.get(page(conversation)).content.decode()
    assert "Messages wait until it is connected" in html
    assert "<textarea" in html


def test_a_number_that_was_logged_out_cannot_be_written_with(
    client: Client, conversation: Conversation
) -> None:
    WhatsAppConnection.objects.update(status="disconnected", desired="logged_out")
    html = client.get(page(conversation)).content.decode()
    assert "is logged out of WhatsApp" in html
    assert "<textarea" not in html


def test_the_draft_is_there_again(client: Client, conversation: Conversation, owner: User) -> None:
    Draft.objects.create(conversation=conversation, user=owner, text="half a sent")
    assert ">half a sent</textarea>" in client.get(page(conversation)).content.decode()


def test_the_card_knows_a_hidden_number_and_other_conversations(
    client: Client, business: BusinessProfile, contact: Contact, conversation: Conversation
) -> None:
    other = factories.ConnectionFactory(business_profile=business, name="Wholesale")
    talk = factories.ConversationFactory(business_profile=business, contact=contact, connection=other)
    Contact.objects.filter(pk=contact.pk).update(phone_number=None)
    html = client.get(page(conversation), {"part": "card"}, headers=HTMX).content.decode()
    assert "This person hides it" in html
    assert page(talk) in html
    assert "Wholesale" in html


# -- hostile content ---------------------------------------------------------------------------------------------------


def test_what_strangers_write_comes_out_as_text(
    client: Client, business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    contact = factories.ContactFactory(business_profile=business, name=PAYLOAD, push_name=PAYLOAD)
    talk = factories.ConversationFactory(business_profile=business, contact=contact, connection=connection)
    file = factories.MediaFileFactory(business_profile=business, kind="document", name=PAYLOAD, size=3)
    asked = factories.MessageFactory(conversation=talk, content=PAYLOAD)
    answer = factories.MessageFactory(
        conversation=talk,
        content=PAYLOAD,
        message_type="document",
        media=file,
        reply_to_wa_id=asked.whatsapp_message_id,
        outbound=True,
        status="failed",
        error_message=PAYLOAD,
    )
    conversation_summary.update(answer)
    for kind in ("location", "contact_card", "poll"):
        metadata = {"name": PAYLOAD, "question": PAYLOAD, "options": [PAYLOAD], "phones": [PAYLOAD]}
        factories.MessageFactory(conversation=talk, message_type=kind, content=PAYLOAD, metadata=metadata)
    Draft.objects.create(conversation=talk, user=business.user, text=f"</textarea>{PAYLOAD}")
    html = client.get(page(talk), {"q": PAYLOAD}).content.decode()
    assert "<img src=x" not in html
    assert "<script>alert" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_a_page_has_no_inline_style_script_or_handler(client: Client, conversation: Conversation) -> None:
    factories.MessageFactory(conversation=conversation, outbound=True, status="failed")
    html = client.get(page(conversation)).content.decode()
    assert not re.search(r"<[^>]+\s(style|on\w+)\s*=", html)
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert "unsafe" not in client.get(page(conversation))["Content-Security-Policy"]


def test_the_unread_row_says_so_to_a_screen_reader(client: Client, conversation: Conversation) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=120)
    html = client.get(reverse("messaging:inbox"), headers=HTMX).content.decode()
    assert 'aria-label="120 unread">99+<' in html
    assert Message.objects.count() == 0
