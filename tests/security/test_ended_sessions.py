"""A session that has ended is over everywhere: on pages, and on sockets that were open before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.test import Client

from accounts.models import BusinessProfile, User
from accounts.services import operators, users
from core.realtime import hub
from tests.factories import PASSWORD
from tests.runtime.test_live_socket import SECONDS, _known_host, socket  # noqa: F401

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

ClientOf = Callable[..., Client]
NEW = "a quite different one"


async def _closing_code(opened: Any) -> int:
    output = await opened.receive_output(SECONDS)
    assert output["type"] == "websocket.close"
    return int(output["code"])


async def _open(client: Client) -> Any:
    opened = socket(client)
    assert await opened.connect()
    return opened


async def test_logging_out_closes_the_sockets_of_the_session_for_good(
    client_of: ClientOf, owner: User, business: BusinessProfile
) -> None:
    client = await database_sync_to_async(client_of)(owner)
    cookies = Client()
    cookies.cookies = client.cookies.copy()
    opened = await _open(client)

    await database_sync_to_async(client.post)("/accounts/logout/")

    assert await _closing_code(opened) == hub.TRY_AGAIN
    assert await socket(cookies).closed_with() == 4401


async def test_another_session_of_the_same_person_comes_back_by_itself(
    client_of: ClientOf, owner: User, business: BusinessProfile
) -> None:
    leaving = await database_sync_to_async(client_of)(owner)
    staying = await database_sync_to_async(client_of)(owner)
    opened = await _open(staying)

    await database_sync_to_async(leaving.post)("/accounts/logout/")

    assert await _closing_code(opened) == hub.TRY_AGAIN
    again = await _open(staying)
    await again.disconnect()


async def test_a_new_password_closes_every_socket_and_only_the_own_session_comes_back(
    client_of: ClientOf, teammate: User, owner: User, business: BusinessProfile
) -> None:
    thief = await database_sync_to_async(client_of)(teammate)
    own = await database_sync_to_async(client_of)(teammate)
    colleague = await _open(await database_sync_to_async(client_of)(owner))
    stolen = await _open(thief)

    answer = await database_sync_to_async(own.post)(
        "/accounts/password/", {"current_password": PASSWORD, "new_password": NEW}
    )

    assert answer.status_code == 302
    assert await _closing_code(stolen) == hub.TRY_AGAIN
    assert await socket(thief).closed_with() == 4401
    assert (await database_sync_to_async(thief.get)("/inbox/")).status_code == 302
    renewed = await _open(own)
    await renewed.disconnect()
    assert await colleague.receive_nothing()
    await colleague.disconnect()


@pytest.mark.parametrize("how", ["reset", "switched off"])
async def test_a_reset_password_and_a_switched_off_account_close_the_sockets(
    how: str, client_of: ClientOf, teammate: User, owner: User, business: BusinessProfile
) -> None:
    client = await database_sync_to_async(client_of)(teammate)
    opened = await _open(client)

    def end() -> None:
        if how == "reset":
            users.reset_password(teammate, new=NEW)
        else:
            teammate.is_active = False
            operators.save_user(teammate, owner, ["is_active"])

    await database_sync_to_async(end)()

    assert await _closing_code(opened) == hub.TRY_AGAIN
    assert await socket(client).closed_with() == 4401
