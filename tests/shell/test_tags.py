"""The pieces that every page draws."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.template import Context, Template
from django.urls import NoReverseMatch, reverse
from django.urls.base import clear_script_prefix, set_script_prefix
from django.utils import timezone

from accounts.models import User
from contacts.models import Contact
from core.web.templatetags import whatsflow as tags

NOW = datetime(2026, 3, 12, 14, 30, tzinfo=UTC)


def render(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 3, 12, 14, 29, 30, tzinfo=UTC), "now"),
        (datetime(2026, 3, 12, 14, 25, tzinfo=UTC), "5 min"),
        (datetime(2026, 3, 12, 9, 5, tzinfo=UTC), "09:05"),
        (datetime(2026, 3, 11, 23, 59, tzinfo=UTC), "Yesterday"),
        (datetime(2026, 3, 9, 12, 0, tzinfo=UTC), "Mon"),
        (datetime(2026, 3, 5, 12, 0, tzinfo=UTC), "5 Mar"),
        (datetime(2025, 9, 5, 12, 0, tzinfo=UTC), "5 Sep 2025"),
    ],
)
def test_a_relative_time_says_as_much_as_its_age_needs(moment: datetime, words: str) -> None:
    assert tags.time_text(moment, "relative", NOW) == words


def test_a_message_of_a_moment_ahead_shows_its_hour() -> None:
    assert tags.time_text(datetime(2026, 3, 12, 14, 31, tzinfo=UTC), "relative", NOW) == "14:31"


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW, "Today"),
        (datetime(2026, 3, 11, 1, 0, tzinfo=UTC), "Yesterday"),
        (datetime(2026, 3, 2, 1, 0, tzinfo=UTC), "Monday, 2 March"),
        (datetime(2025, 3, 2, 1, 0, tzinfo=UTC), "Sunday, 2 March 2025"),
    ],
)
def test_a_day_line_names_the_day(moment: datetime, words: str) -> None:
    assert tags.time_text(moment, "day", NOW) == words


def test_times_are_in_the_active_zone() -> None:
    moment = datetime(2026, 3, 11, 23, 30, tzinfo=UTC)
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        assert tags.time_text(moment, "time", NOW) == "05:00"
        assert tags.time_text(moment, "day", NOW) == "Today"
        assert tags.time_text(moment, "full", NOW) == "12 Mar 2026, 05:00"


def test_a_time_carries_the_moment_for_the_browser() -> None:
    html = render('{% local_time moment "full" %}', moment=NOW)
    assert (
        html == '<time datetime="2026-03-12T14:30:00.000+00:00" data-format="full">12 Mar 2026, 14:30</time>'
    )
    assert render("{% local_time moment %}", moment=None) == ""


def test_an_icon_is_hidden_from_readers_unless_it_speaks() -> None:
    assert 'aria-hidden="true"' in render('{% icon "home" %}')
    speaking = render('{% icon "check" label=words %}', words='a "quote" <b>')
    assert 'role="img"' in speaking
    assert "&lt;b&gt;" in speaking
    assert "aria-hidden" not in speaking


def test_an_avatar_escapes_what_people_call_themselves() -> None:
    person = Contact(name="<b> <i>")
    assert "<b>" not in render("{% avatar person %}", person=person)


def test_an_avatar_keeps_its_colour_and_shows_a_figure_without_a_name() -> None:
    nobody = Contact(phone_number="+9991000000001")
    html = render("{% avatar person %}", person=nobody)
    assert "#user" in html
    assert html == render("{% avatar person %}", person=nobody)


@pytest.mark.parametrize(
    ("value", "letters"),
    [("Blue Bakery", "BB"), ("one", "O"), ("", ""), ("a b c", "AB"), (User(full_name="Olive Owner"), "OO")],
)
def test_initials(value: object, letters: str) -> None:
    assert tags.initials(value) == letters


class _Form(forms.Form):
    name = forms.CharField(help_text="As people know you.")
    colour = forms.ChoiceField(choices=[("r", "Red"), ("b", "Blue")])
    size = forms.ChoiceField(choices=[("s", "Small")], widget=forms.RadioSelect)
    agreed = forms.BooleanField(label="I agree")
    secret = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self) -> dict[str, object]:
        raise forms.ValidationError("Both <together> do not work.")


def test_a_form_ties_labels_hints_and_errors_to_its_fields() -> None:
    html = render('{% include "shell/form.html" %}', form=_Form({"colour": "x"}))
    assert '<label class="form-label required" for="id_name">' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_helptext"' in html
    assert 'id="id_name_error"' in html
    assert 'class="form-control is-invalid"' in html
    assert 'class="form-select is-invalid"' in html
    assert 'class="form-check-input' in html
    assert "<legend" in html
    assert 'role="alert"' in html
    assert "Both &lt;together&gt; do not work." in html
    assert html.count('name="secret"') == 1


def test_an_untouched_form_shows_no_error() -> None:
    html = render('{% include "shell/form.html" %}', form=_Form())
    assert "is-invalid" not in html
    assert "_error" not in html
    assert 'role="alert"' not in html


def test_an_empty_state_offers_one_action() -> None:
    html = render(
        '{% include "shell/empty.html" with title="Nothing" action_url="/x/" action_label="Do it" %}'
    )
    assert '<a class="btn btn-primary" href="/x/">Do it</a>' in html
    assert "<a" not in render('{% include "shell/empty.html" with title="Nothing" %}')


def test_addresses_are_those_of_the_resolver_whatever_their_arguments() -> None:
    one, other = uuid4(), uuid4()
    for name, given in (
        ("messaging:inbox", []),
        ("messaging:conversation", [one]),
        ("messaging:conversation", [other]),
    ):
        places = " ".join(f"a{number}" for number in range(len(given)))
        values = {f"a{number}": value for number, value in enumerate(given)}
        assert render(f"{{% url '{name}' {places} %}}", **values) == reverse(name, args=given)


def test_an_address_stays_under_the_prefix_that_it_was_asked_under() -> None:
    shown = render("{% url 'messaging:inbox' %}")
    set_script_prefix("/below/")
    try:
        assert render("{% url 'messaging:inbox' %}") == f"/below{shown}"
    finally:
        clear_script_prefix()


def test_an_unknown_address_is_an_error() -> None:
    with pytest.raises(NoReverseMatch):
        render("{% url 'messaging:nowhere' %}")
