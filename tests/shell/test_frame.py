"""The frame around every page: navigation, switcher, appearance."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import BusinessProfile, User
from messaging.models import Conversation
from tests import factories
from whatsflow.templatetags.shell_tags import TOKEN_PLACEHOLDER

SignIn = Callable[..., Client]


def page(client: Client, path: str = "/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_one_is_on_is_marked_in_the_navigation(
    owner: User, business: BusinessProfile, client_of: SignIn
) -> None:
    html = page(client_of(owner))
    current = re.findall(r'<a class="wf-nav-link active" aria-current="page" href="([^"]*)"', html)
    assert current == ["/", "/"], "once in the sidebar, once in the phone's bottom bar"


def test_the_switcher_lists_only_ones_own_businesses(
    owner: User, business: BusinessProfile, other_business: BusinessProfile, client_of: SignIn
) -> None:
    html = page(client_of(owner))
    assert business.business_name in html
    assert other_business.business_name not in html
    assert str(other_business.pk) not in html


def test_the_badge_counts_unread_conversations_of_this_business_alone(
    owner: User, conversation: Conversation, other_business: BusinessProfile, client_of: SignIn
) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=5)
    factories.ConversationFactory(business_profile=other_business, unread_count=7)
    assert re.findall(r'data-unread-badge data-count="(\d+)"', page(client_of(owner))) == ["1", "1"]


def test_a_business_name_cannot_bring_markup(
    owner: User, business: BusinessProfile, client_of: SignIn
) -> None:
    BusinessProfile.objects.filter(pk=business.pk).update(business_name='<img src=x onerror="1">')
    assert "<img" not in page(client_of(owner))


def test_signing_out_is_a_form_with_a_token(
    owner: User, business: BusinessProfile, client_of: SignIn
) -> None:
    form = re.search(
        r'<form method="post" action="/accounts/logout/">.*?</form>', page(client_of(owner)), re.S
    )
    assert form is not None
    assert "csrfmiddlewaretoken" in form[0]


def test_a_page_before_the_first_business_has_no_navigation_and_no_socket(
    owner: User, client_of: SignIn
) -> None:
    html = page(client_of(owner), "/accounts/businesses/new/")
    assert "wf-sidebar" not in html
    assert "data-live" not in html
    assert "Sign out" in html


@pytest.mark.parametrize(("choice", "painted"), [("dark", "dark"), ("light", "light"), ("auto", "light")])
def test_the_chosen_colours_are_in_the_first_byte_of_the_page(
    choice: str, painted: str, owner: User, business: BusinessProfile, client_of: SignIn
) -> None:
    User.objects.filter(pk=owner.pk).update(theme=choice)
    html = page(client_of(owner))
    assert f'data-theme-choice="{choice}"' in html
    assert f'data-bs-theme="{painted}"' in html


def test_the_colours_are_kept(owner: User, business: BusinessProfile, client_of: SignIn) -> None:
    client = client_of(owner)
    response = client.post("/theme/", {"theme": "dark"}, headers={"Accept": "application/json"})
    owner.refresh_from_db()
    assert response.status_code == 204
    assert owner.theme == "dark"


def test_without_javascript_the_choice_of_colours_leads_back(
    owner: User, business: BusinessProfile, client_of: SignIn
) -> None:
    there = client_of(owner).post(
        "/theme/", {"theme": "light"}, headers={"Referer": "http://testserver/accounts/team/"}
    )
    assert (there.status_code, there["Location"]) == (302, "http://testserver/accounts/team/")


def test_the_choice_of_colours_leads_to_no_other_site(
    owner: User, business: BusinessProfile, client_of: SignIn
) -> None:
    response = client_of(owner).post(
        "/theme/", {"theme": "light"}, headers={"Referer": "https://evil.example/"}
    )
    assert response["Location"] == "/"


def test_unknown_colours_are_refused(owner: User, business: BusinessProfile, client_of: SignIn) -> None:
    response = client_of(owner).post("/theme/", {"theme": "pink"})
    owner.refresh_from_db()
    assert response.status_code == 422
    assert "Choose auto, light or dark" in response.content.decode()
    assert owner.theme == "auto"


def test_colours_cannot_be_chosen_by_a_link_or_by_nobody(
    owner: User, business: BusinessProfile, client: Client, client_of: SignIn
) -> None:
    assert client_of(owner).get("/theme/").status_code == 405
    assert client.post("/theme/", {"theme": "dark"})["Location"].startswith("/accounts/login/")


def test_what_is_kept_of_the_frame_follows_every_change(
    owner: User, business: BusinessProfile, conversation: Conversation, client_of: SignIn
) -> None:
    client = client_of(owner)
    assert "Blue Bakery" in page(client)
    BusinessProfile.objects.filter(pk=business.pk).update(business_name="Green Bakery")
    User.objects.filter(pk=owner.pk).update(full_name="Somebody Else")
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=3)
    html = page(client)
    assert "Blue Bakery" not in html
    assert html.count('<span class="wf-switcher-name" dir="auto">Green Bakery</span>') == 2
    assert html.count('<span class="wf-user-name" dir="auto">Somebody Else</span>') == 2
    assert html.count('data-count="1"') == 2


def test_each_page_has_a_token_of_its_own_in_all_of_its_forms(
    owner: User, business: BusinessProfile, client_of: SignIn
) -> None:
    client = client_of(owner)
    first, second = (
        set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]*)"', page(client))) for _ in range(2)
    )
    assert len(first) == len(second) == 1
    assert first != second, "a token that stays can be guessed from compressed answers"
    assert TOKEN_PLACEHOLDER not in page(client)


def test_people_who_look_alike_do_not_share_a_frame(
    owner: User, teammate: User, business: BusinessProfile, client_of: SignIn
) -> None:
    User.objects.update(full_name="Same Name")
    pages = [page(client_of(one)) for one in (owner, teammate)]
    assert owner.email in pages[0]
    assert owner.email not in pages[1]
    assert teammate.email in pages[1]
