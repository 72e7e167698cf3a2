"""The socket of an open page: for members, from our own pages, of one business, and closed on removal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import selectors as accounts
from accounts.access import SESSION_KEY
from accounts.models import BusinessProfile, User
from accounts.services import team
from core.realtime import hub
from messaging.models import Conversation
from messaging.outbox import queue
from whatsflow.asgi import application

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

ClientOf = Callable[..., Client]
SECONDS = 5


class Socket(ApplicationCommunicator):
    """A browser's end of the socket."""

    async def connect(self) -> bool:
        """Whether the server accepted."""
        await self.send_input({"type": "websocket.connect"})
        return (await self.receive_output(SECONDS))["type"] == "websocket.accept"

    async def say(self, **message: Any) -> None:
        await self.send_input({"type": "websocket.receive", **message})

    async def frames(self) -> list[dict[str, Any]]:
        output = await self.receive_output(SECONDS)
        found: list[dict[str, Any]] = orjson.loads(output["text"])["frames"]
        return found

    async def closed_with(self) -> int:
        """The code with which the server closes, before or after accepting."""
        await self.send_input({"type": "websocket.connect"})
        output = await self.receive_output(SECONDS)
        if output["type"] == "websocket.accept":
            output = await self.receive_output(SECONDS)
        assert output["type"] == "websocket.close"
        return int(output["code"])

    async def disconnect(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(SECONDS)


def socket(client: Client | None, origin: str = "http://testserver") -> Socket:
    """A browser's socket, with the client's session cookie."""
    headers = [(b"host", b"testserver"), (b"origin", origin.encode())]
    if client is not None:
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    return Socket(
        application, {"type": "websocket", "path": "/ws/live/", "query_string": b"", "headers": headers}
    )


@pytest.fixture(autouse=True)
def _known_host(settings) -> None:  # type: ignore[no-untyped-def]
    settings.ALLOWED_HOSTS = ["testserver"]


async def test_nobody_without_a_session(db: None) -> None:
    assert await socket(None).closed_with() == 4401


async def test_nobody_without_a_business(client_of: ClientOf, stranger: User) -> None:
    client = await database_sync_to_async(client_of)(stranger)
    assert await socket(client).closed_with() == 4403


async def test_no_page_of_another_site(client_of: ClientOf, owner: User, business: BusinessProfile) -> None:
    client = await database_sync_to_async(client_of)(owner)
    assert await socket(client, "https://evil.example").closed_with() == 4403


async def test_a_member_hears_what_happens_in_the_business(
    client_of: ClientOf, viewer: User, owner: User, conversation: Conversation
) -> None:
    client = await database_sync_to_async(client_of)(viewer)
    opened = socket(client)
    assert await opened.connect()
    send = database_sync_to_async(queue.enqueue)
    await send(conversation.business_profile, conversation, sender=owner, text="Good morning")
    (frame,) = await opened.frames()
    assert frame["type"] == "message"
    assert "Good morning" in frame["html"]
    await opened.disconnect()


async def test_a_stranger_hears_nothing(
    client_of: ClientOf, stranger: User, other_business: BusinessProfile, business: BusinessProfile
) -> None:
    client = await database_sync_to_async(client_of)(stranger)
    opened = socket(client)
    assert await opened.connect()
    await database_sync_to_async(hub.push)(hub.business_group(business.pk), {"type": "secret"})
    await database_sync_to_async(hub.push)(hub.business_group(other_business.pk), {"type": "own"})
    assert await opened.frames() == [{"type": "own"}]
    await opened.disconnect()


async def test_a_chosen_business_that_is_not_theirs_is_not_served(
    client_of: ClientOf, stranger: User, other_business: BusinessProfile, business: BusinessProfile
) -> None:
    def sign_in() -> Client:
        client = client_of(stranger)
        session = client.session
        session[SESSION_KEY] = str(business.pk)
        session.save()
        return client

    opened = socket(await database_sync_to_async(sign_in)())
    assert await opened.connect()
    await database_sync_to_async(hub.push)(hub.business_group(business.pk), {"type": "secret"})
    await database_sync_to_async(hub.push)(hub.business_group(other_business.pk), {"type": "own"})
    assert await opened.frames() == [{"type": "own"}]
    await opened.disconnect()


async def test_what_a_browser_says_is_ignored(
    client_of: ClientOf, owner: User, business: BusinessProfile
) -> None:
    opened = socket(await database_sync_to_async(client_of)(owner))
    assert await opened.connect()
    await opened.say(text='{"type": "live.frames", "frames": [{"type": "x"}]}')
    await opened.say(bytes=b"\x00\xff")
    await database_sync_to_async(hub.push)(hub.business_group(business.pk), {"type": "own"})
    assert await opened.frames() == [{"type": "own"}]
    await opened.disconnect()


async def test_a_removed_member_is_cut_off_and_the_others_are_not(
    client_of: ClientOf, owner: User, teammate: User, business: BusinessProfile
) -> None:
    def membership_id() -> Any:
        return accounts.members_of(business).get(user=teammate).pk

    gone = socket(await database_sync_to_async(client_of)(teammate))
    stays = socket(await database_sync_to_async(client_of)(owner))
    assert await gone.connect()
    assert await stays.connect()
    key = await database_sync_to_async(membership_id)()
    await database_sync_to_async(team.remove)(business, owner, key)
    output = await gone.receive_output(SECONDS)
    assert (output["type"], output["code"]) == ("websocket.close", 4403)
    await database_sync_to_async(hub.push)(hub.business_group(business.pk), {"type": "own"})
    assert {"type": "own"} in await stays.frames()
    await stays.disconnect()


async def test_a_socket_ends_with_its_session(
    client_of: ClientOf, owner: User, business: BusinessProfile
) -> None:
    def ends_soon(client: Client, seconds: float) -> None:
        Session.objects.filter(pk=client.session.session_key).update(
            expire_date=timezone.now() + timedelta(seconds=seconds)
        )

    client = await database_sync_to_async(client_of)(owner)
    await database_sync_to_async(ends_soon)(client, 1.5)
    opened = socket(client)
    assert await opened.connect()
    output = await opened.receive_output(SECONDS)
    assert (output["type"], output["code"]) == ("websocket.close", hub.TRY_AGAIN)
    assert hub.hub.count(hub.business_group(business.pk)) == 0
    await database_sync_to_async(ends_soon)(client, -1)
    assert await socket(client).closed_with() == 4401


async def test_one_person_cannot_take_all_sockets(
    client_of: ClientOf, owner: User, teammate: User, business: BusinessProfile, monkeypatch
) -> None:
    monkeypatch.setattr("whatsflow.live_socket.SOCKETS_A_PERSON", 2)
    client = await database_sync_to_async(client_of)(owner)
    first, second = socket(client), socket(client)
    assert await first.connect()
    assert await second.connect()
    assert await socket(client).closed_with() == 4429
    other = socket(await database_sync_to_async(client_of)(teammate))
    assert await other.connect()
    await first.disconnect()
    third = socket(client)
    assert await third.connect()
    for one in (second, third, other):
        await one.disconnect()


async def test_who_goes_leaves_no_socket_behind(
    client_of: ClientOf, owner: User, business: BusinessProfile
) -> None:
    group = hub.business_group(business.pk)
    opened = socket(await database_sync_to_async(client_of)(owner))
    assert await opened.connect()
    assert hub.hub.count(group) == 1
    await opened.disconnect()
    assert hub.hub.count(group) == 0


async def test_the_socket_has_no_page(client_of: ClientOf, owner: User, business: BusinessProfile) -> None:
    client = await database_sync_to_async(client_of)(owner)
    response = await database_sync_to_async(client.get)("/ws/live/")
    assert response.status_code == 404
    assert reverse("messaging:inbox") == "/inbox/"
