"""The pages' door: partials, toasts, redirects and broken rules."""

import json

import pytest
from django.http import HttpResponse, HttpResponseRedirect
from django.test import RequestFactory
from django_htmx.middleware import HtmxMiddleware

from core.errors import Forbidden, InvalidInput, NotFound
from core.web import htmx

pytestmark = pytest.mark.urls(__name__)
urlpatterns: list[object] = []
"""No routes: addresses are given as paths here."""
TEMPLATES = {
    "page.html": "<html>{% include 'part.html' %}</html>",
    "part.html": "part {{ word }}",
    "errors/domain.html": "{{ status }} {{ heading }}: {{ message }}",
}


@pytest.fixture(autouse=True)
def _own_templates(settings):
    options = {"loaders": [("django.template.loaders.locmem.Loader", TEMPLATES)]}
    backend = "django.template.backends.django.DjangoTemplates"
    settings.TEMPLATES = [{"BACKEND": backend, "OPTIONS": options}]


def ask(view, path="/", **headers):
    """A view's answer behind the two middlewares."""
    middleware = htmx.DomainErrorMiddleware(view)

    def guarded(request):
        try:
            return middleware(request)
        except Exception as error:
            answer = middleware.process_exception(request, error)
            if answer is None:
                raise
            return answer

    return HtmxMiddleware(guarded)(RequestFactory(headers=headers).get(path))


def page(request):
    return htmx.render(request, "page.html", "part.html", {"word": "one"})


def raising(error):
    def view(request):
        raise error

    return view


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({}, b"<html>part one</html>"),
        ({"hx-request": "true"}, b"part one"),
        ({"hx-request": "true", "hx-boosted": "true"}, b"<html>part one</html>"),
        ({"hx-request": "true", "hx-history-restore-request": "true"}, b"<html>part one</html>"),
    ],
)
def test_htmx_gets_the_part_and_everybody_else_the_page(headers, content):
    response = ask(page, **headers)
    assert response.content == content
    assert "HX-Request" in response["Vary"]


def test_a_toast_travels_in_a_header():
    response = htmx.toast(HttpResponse(), "Saved: café")
    assert json.loads(response["HX-Trigger"]) == {"toast": {"level": "success", "message": "Saved: café"}}


def test_a_redirect_stays_on_this_site():
    response = ask(lambda request: htmx.redirect(request, "/inbox/"))
    assert (response.status_code, response["Location"]) == (302, "/inbox/")


def test_htmx_is_sent_to_a_whole_page():
    response = ask(lambda request: htmx.redirect(request, "/inbox/"), **{"hx-request": "true"})
    assert (response.status_code, response["HX-Redirect"]) == (200, "/inbox/")


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example/",
        "https://evil.example/",
        "javascript:alert(1)/",
        "/\\evil.example/",
        "///evil.example",
    ],
)
def test_a_redirect_to_elsewhere_leads_home(url, settings):
    settings.LOGIN_REDIRECT_URL = "/home/"
    assert ask(lambda request: htmx.redirect(request, url))["Location"] == "/home/"


def test_a_broken_rule_is_a_toast_for_htmx_and_nothing_is_swapped():
    response = ask(raising(InvalidInput("wrong_qr", "This code has run out.")), **{"hx-request": "true"})
    assert (response.status_code, response["HX-Reswap"], response.content) == (422, "none", b"")
    toast = json.loads(response["HX-Trigger"])["toast"]
    assert toast == {"level": "danger", "message": "This code has run out."}


def test_a_broken_rule_is_a_page_for_a_browser():
    response = ask(raising(NotFound("This contact")))
    assert response.status_code == 404
    assert response.content == b"404 Not found: This contact was not found. It may have been deleted."


def test_a_broken_rule_is_json_for_a_script():
    response = ask(raising(Forbidden()), accept="application/json")
    assert response.status_code == 403
    assert json.loads(response.content)["error"]["code"] == "forbidden"


def test_other_errors_are_left_alone():
    with pytest.raises(ZeroDivisionError):
        ask(raising(ZeroDivisionError()))


def test_a_part_that_needs_a_login_sends_the_whole_page_there(settings):
    settings.LOGIN_URL = "/login/"
    headers = {"hx-request": "true", "hx-current-url": "http://testserver/inbox/?tab=mine"}
    response = ask(lambda request: HttpResponseRedirect("/login/?next=/inbox/rows"), **headers)
    assert (response.status_code, response["HX-Redirect"]) == (200, "/login/?next=/inbox/%3Ftab%3Dmine")


def test_any_other_redirect_is_left_to_htmx(settings):
    settings.LOGIN_URL = "/login/"
    assert ask(lambda request: HttpResponseRedirect("/x/"), **{"hx-request": "true"}).status_code == 302
