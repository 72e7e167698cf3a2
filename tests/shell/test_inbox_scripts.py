"""What the inbox's scripts do with frames that overtake each other, or come while an answer is on its way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from accounts.models import BusinessProfile, User
from core.ids import uuid7
from messaging.inbox import fragments, selectors
from messaging.inbox.read_models import ChatMessage, InboxRow
from messaging.models import Conversation, Message
from messaging.services import quick_replies
from tests import factories
from tests.journeys.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIST = "#inbox-list"
CHAT = "#chat-messages"


@pytest.fixture
def talk(business: BusinessProfile) -> Conversation:
    """An open conversation in which a customer has said hello."""
    made: Conversation = factories.ConversationFactory(
        business_profile=business, contact__name="Carla Customer"
    )
    wrote(made, "Hello there")
    return made


def wrote(talk: Conversation, text: str, **fields: Any) -> Message:
    """A message, with its conversation's place in the list."""
    message: Message = factories.MessageFactory(conversation=talk, content=text, **fields)
    Conversation.objects.filter(pk=talk.pk).update(
        preview=text,
        preview_type="text",
        preview_direction=message.direction,
        preview_status=message.status,
        last_message_at=message.created_at,
        last_message_id=message.pk,
    )
    return message


def row_of(talk: Conversation) -> InboxRow:
    return selectors.rows_of(talk.business_profile_id, [talk.pk])[0]


def frame_of(message: Message, row: InboxRow | None = None) -> dict[str, Any]:
    """A frame of the type `message`."""
    row = row or row_of(message.conversation)
    return {
        "type": "message",
        "conversation": str(row.id),
        "message": str(message.pk),
        "direction": message.direction,
        "html": str(fragments.message(ChatMessage.of(message), None, row.name)),
        "row": str(fragments.row(row)),
        "fresh": True,
        "unread_total": 1,
    }


def ticks_of(message: Message, status: str) -> dict[str, Any]:
    """A frame of the type `status`."""
    message.status = status
    return {
        "type": "status",
        "conversation": str(message.conversation_id),
        "message": str(message.pk),
        "status": status,
        "html": str(fragments.ticks(ChatMessage.of(message))),
        "note": str(fragments.note(ChatMessage.of(message))),
    }


def say(person: Person, *frames: dict[str, Any]) -> None:
    person.run("sockets.at(-1).say(...arguments[0])", list(frames))


def opened(person: Person, talk: Conversation) -> None:
    """On the conversation's page, its socket open and what it asks for then answered."""
    person.go(f"/inbox/{talk.pk}/")
    person.wait(lambda: person.run("return sockets.length") == 1, "a socket")
    person.run("sockets[0].open()")
    at_rest(person)


def at_rest(person: Person) -> None:
    person.wait(lambda: not person.run("return document.querySelectorAll('[aria-busy]').length"), "a list")


def comes_back(person: Person, talk: Conversation) -> None:
    """The connection is lost and comes back; the answers to what the page then asks for are held."""
    person.run("window.holding = true; sockets[0].drop(1006)")
    person.wait(lambda: person.run("return sockets.length") == 2, "another socket")
    person.run("sockets[1].open()")
    wanted = {"/inbox/", f"/inbox/{talk.pk}/messages/", f"/inbox/{talk.pk}/"}
    person.wait(lambda: wanted <= set(person.run("return held.map((one) => one.url)")), "three answers")


def let_go(person: Person) -> None:
    """Give the page the answers that were held."""
    person.run("window.holding = false; held.splice(0).forEach((one) => one.go())")
    at_rest(person)
    person.driver.execute_async_script("fetch('/livez').then(() => setTimeout(arguments[0]))")


def test_frames_that_come_with_the_connection_are_heard(person: Person, talk: Conversation) -> None:
    somebody = row_of(talk)._replace(id=uuid7(), contact_name="Nora New", preview="At once")
    first = frame_of(Message(conversation=talk, direction="inbound", message_type="text"), somebody)
    person.go("/livez")
    person.run("sessionStorage.setItem('saidAtOnce', arguments[0])", json.dumps(first))
    person.go("/inbox/?tab=open")
    person.sees("Nora New", within=LIST)


def test_the_list_keeps_what_came_while_it_was_loaded(person: Person, talk: Conversation) -> None:
    opened(person, talk)
    comes_back(person, talk)
    say(person, frame_of(wrote(talk, "Overtaking the list")))
    let_go(person)
    assert "Overtaking the list" in person.text(LIST)


def test_the_chat_keeps_what_came_while_it_was_loaded(person: Person, talk: Conversation) -> None:
    opened(person, talk)
    comes_back(person, talk)
    say(person, frame_of(wrote(talk, "Overtaking the chat")))
    let_go(person)
    assert person.text(CHAT).count("Overtaking the chat") == 1
    assert "Hello there" in person.text(CHAT)


def test_ticks_never_fall_whatever_comes_late(person: Person, talk: Conversation) -> None:
    sent = wrote(talk, "On its way", outbound=True, status="sent")
    late_bubble = frame_of(sent)
    opened(person, talk)
    comes_back(person, talk)
    say(person, ticks_of(sent, "read"))
    for frame in (ticks_of(sent, "delivered"), late_bubble, ticks_of(sent, "sent")):
        say(person, frame)
        assert shown_ticks(person, sent) == {"row": "read", "bubble": "read"}
    let_go(person)
    assert shown_ticks(person, sent)["bubble"] == "read"
    say(person, ticks_of(sent, "played"))
    assert shown_ticks(person, sent)["bubble"] == "played"


def shown_ticks(person: Person, message: Message) -> dict[str, str]:
    """The ticks of its bubble, and of the row that previews it."""
    script = "return document.querySelector(arguments[0])?.getAttribute('class').match(/ticks-(\\w+)/)[1]"
    places = {"row": f".inbox-row[data-last='{message.pk}'] .ticks", "bubble": f"#ticks-{message.pk} .ticks"}
    return {name: person.run(script, css) for name, css in places.items()}


def test_after_much_at_once_the_page_fetches_list_and_chat_once(person: Person, talk: Conversation) -> None:
    opened(person, talk)
    wrote(talk, "One of very many")
    person.run("window.holding = true; window.asked = []")
    say(person, *[{"type": "refresh", "conversations": [str(talk.pk)], "unread_total": 7}] * 3)
    wanted = ["/inbox/", f"/inbox/{talk.pk}/", f"/inbox/{talk.pk}/messages/"]
    person.wait(lambda: len(person.run("return held")) >= 3, "list, header and chat")
    assert sorted(person.run("return asked")) == wanted
    let_go(person)
    person.sees("One of very many", within=LIST)
    person.sees("One of very many", within=CHAT)
    person.sees("7", within=".wf-sidebar [data-unread-badge]")


def test_much_elsewhere_leaves_the_chat_alone(person: Person, talk: Conversation) -> None:
    opened(person, talk)
    wrote(talk, "Not for this chat")
    person.run("window.holding = true")
    say(person, {"type": "refresh", "conversations": [str(uuid7())], "unread_total": 1})
    person.wait(lambda: person.run("return held.map((one) => one.url)") == ["/inbox/"], "the list's answer")
    let_go(person)
    assert "Not for this chat" in person.text(LIST)
    assert "Not for this chat" not in person.text(CHAT)


def written(person: Person) -> str:
    return str(person.run("return document.querySelector('.composer-text').value"))


def test_a_slash_offers_quick_replies_in_the_contacts_words(
    person: Person, talk: Conversation, owner: User
) -> None:
    for name, text in (("hours", "Hello {{first_name}}, we open at nine."), ("prices", "A cake is 20.")):
        quick_replies.create(talk.business_profile, owner, shortcut=name, text=text)
    opened(person, talk)
    person.type(".composer-text", "Yes. /")
    person.sees("/prices", within=".composer-offers")
    assert not person.complaints_of_axe()
    person.type(".composer-text", "cake")
    person.sees_no("/hours", within=".composer-offers")
    person.type(".composer-text", Keys.BACKSPACE * 4, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    assert written(person) == "Yes. Hello Carla, we open at nine."
    person.type(".composer-text", " and/or", Keys.ESCAPE)
    assert not person.run("return document.querySelector('[data-offers]').checkVisibility()")
    assert person.run("return asked.filter((path) => path.endsWith('/send/')).length") == 0


def test_an_emoji_is_put_where_the_cursor_is_and_remembered(person: Person, talk: Conversation) -> None:
    opened(person, talk)
    person.type(".composer-text", "Cake!", Keys.ARROW_LEFT)
    person.click("[data-emoji]")
    person.type("[data-emoji-panel] input", "birthday")
    person.click("[data-emoji-char]")
    assert written(person) == "Cake\U0001f382!"
    person.click("[data-emoji]")
    person.sees("Used last", within="[data-emoji-panel]")
    assert not person.complaints_of_axe()
    person.type("[data-emoji-panel] input", Keys.ESCAPE)
    assert not person.run("return document.querySelector('[data-emoji-panel]').checkVisibility()")
    assert person.complaints_of_browser() == []
