"""Names and messages that try to be markup, in a real browser: shown as written, live and after a reload.

The browser's console is part of the test: the content security policy has nothing to refuse (see `new_person`).
"""

from __future__ import annotations

from typing import Any

from tests.journeys.person import Person

NAME = '"><img src=x onerror=window.hacked=1><script>window.hacked=1</script>{{7*7}}'
TEXT = (
    f"marker {NAME} javascript:window.hacked=1 [go](javascript:window.hacked=1) "
    'http://example.com/"onmouseover="window.hacked=1 http://example.com/<img/src=x/onerror=window.hacked=1> '
    "*bold<svg/onload=window.hacked=1>* _it<b>_ ```</code><script>window.hacked=1</script>``` ${7*7} \u202eesrever"
)
POST = """
const [path, fields, done] = arguments;
const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
fetch(path, {method: "POST", body: new URLSearchParams({...fields, csrfmiddlewaretoken: token})})
  .then((answer) => done([answer.status, new URL(answer.url).pathname]));
"""
ACTED = """
return window.hacked !== undefined || document.querySelector(
  "img[src='x'], [onerror], [onmouseover], [onload], body svg[onload], a[href^='javascript:']") !== null;
"""


def _post(person: Person, path: str, **fields: str) -> str:
    """Where a form leads that is sent from the page that is open."""
    status, leads_to = person.driver.execute_async_script(POST, path, fields)
    assert status == 200, (path, status)
    return str(leads_to)


def _nothing_acted(person: Person) -> None:
    acted: Any = person.driver.execute_script(ACTED)
    assert not acted, f"{person.path}: a name or a text became markup"


def test_words_that_try_to_be_markup_stay_words(owner_of_sandbox: Person) -> None:
    olive = owner_of_sandbox
    number = olive.path
    _post(olive, "/accounts/profile/", full_name=NAME, time_zone="UTC", theme="light")
    _post(olive, "/accounts/businesses/new/", business_name=NAME, business_type="other", time_zone="UTC")
    olive.go("/connections/")
    number = _post(olive, "/connections/sandbox/")
    olive.go(number)
    _post(olive, f"{number}rename/", name=NAME)
    olive.sees("Messages come in and go out", seconds=60)
    _nothing_acted(olive)
    customer = _post(olive, f"{number}phone/customers/new/", name=NAME, persona="quiet")

    olive.go("/inbox/")
    _post(olive, f"{customer}write/", text=TEXT)
    olive.sees("marker")
    _nothing_acted(olive)

    for path in (
        "/inbox/?q=marker",
        "/inbox/?q=onerror",
        "/",
        "/connections/",
        "/accounts/team/",
        number,
        customer,
    ):
        olive.go(path)
        _nothing_acted(olive)
    olive.go("/inbox/?q=marker")
    olive.driver.execute_script("document.querySelector('main a[href*=\"/inbox/0\"]').click()")
    olive.sees("onmouseover")
    _nothing_acted(olive)
    olive.go(olive.path)
    olive.sees("onmouseover")
    _nothing_acted(olive)
