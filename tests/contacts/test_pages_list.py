"""The list: search, filters, sorting, pages by key, columns, segments, many at once."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from contacts import selectors
from contacts.filters.contact_filter import ContactFilter
from contacts.list import pagination
from contacts.models import Contact, ListColumns, Segment
from contacts.services import segments, tags
from core.clock import now
from core.errors import InvalidInput
from jobs.models import Job
from tests import factories

pytestmark = pytest.mark.services

URL = "/contacts/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def crowd(business, other_business):
    """Sixty people who wrote, Person 00 last; twenty who never did; the stranger's Person."""
    factories.ContactFactory.create_batch(20, business_profile=business, name="Silent")
    for n in range(60):
        factories.ContactFactory(
            business_profile=business,
            name=f"Person {n:02}",
            last_message_at=now() - timedelta(minutes=n),
            country="DE" if n % 2 else "BR",
        )
    factories.ContactFactory(business_profile=other_business, name="Foreign Person")


def text(response, status=200):
    assert response.status_code == status
    return response.content.decode()


def walk(business, wanted=None, limit=7, **how):
    """All pages; no page longer than asked for, nobody twice."""
    found, after = [], None
    while True:
        page = pagination.page(business, wanted or ContactFilter(), after=after, limit=limit, **how)
        assert len(page.contacts) <= limit
        found += page.contacts
        if page.next is None:
            break
        after = page.next
    assert len({one.pk for one in found}) == len(found)
    return found


@pytest.mark.parametrize("sort", pagination.SORTS)
def test_pages_by_key_show_everybody_once_in_order(business, crowd, sort):
    found = walk(business, sort=sort)

    expected = {
        "recent": Contact.objects.filter(business_profile=business).order_by(
            F("last_message_at").desc(nulls_last=True), "-id"
        ),
        "newest": Contact.objects.filter(business_profile=business).order_by("-id"),
        "name": sorted(
            Contact.objects.filter(business_profile=business), key=lambda one: (one.name.lower(), one.pk)
        ),
    }[sort]
    assert [one.pk for one in found] == [one.pk for one in expected]


@pytest.mark.parametrize("window", [5, 1500])
@pytest.mark.parametrize("sort", pagination.SORTS)
def test_a_search_finds_the_same_however_it_looks(business, crowd, monkeypatch, window, sort):
    monkeypatch.setattr(pagination, "WINDOW", window)

    names = {one.name for one in walk(business, ContactFilter(q="person 1"), limit=4, sort=sort)}
    assert names == {f"Person {n}" for n in range(10, 20)}
    assert {one.name for one in walk(business, ContactFilter(q="pe"), sort=sort)} == {
        f"Person {n:02}" for n in range(60)
    }
    assert walk(business, ContactFilter(q="person 1", country=("XX",)), sort=sort) == []


@pytest.mark.parametrize("wrong", [{"sort": "x"}, {"after": "x"}, {"after": f"{'0' * 32}~nonsense"}])
def test_a_broken_address_is_refused(business, wrong):
    with pytest.raises(InvalidInput):
        pagination.page(business, ContactFilter(), **wrong)


def test_totals_are_exact_when_small_and_estimated_when_large(business, crowd, monkeypatch):
    assert pagination.total(business, ContactFilter()) == pagination.Total(80)
    assert pagination.total(business, ContactFilter(country=("DE",))) == pagination.Total(30)
    monkeypatch.setattr(pagination, "COUNTED", 10)
    monkeypatch.setattr(pagination, "FOUND", 10)
    many = pagination.total(business, ContactFilter(q="person"))
    assert many.kind == ("at_least" if database.vendor == "sqlite" else "about")
    assert many.count >= 10


def test_the_page_shows_ones_own_contacts_and_the_partial_only_rows(client_of, viewer, crowd):
    client = client_of(viewer)
    page, part = text(client.get(URL)), text(client.get(URL, headers=HTMX))

    assert "Person 00" in page
    assert "Foreign" not in page
    assert "<html" in page
    assert "<html" not in part
    assert 'name="ids"' not in page, "a viewer chooses nobody"
    assert text(client.get(f"{URL}total/", headers=HTMX)).strip() == "80 contacts"


def test_search_and_filter_come_from_the_address(client_of, owner, business, crowd):
    factories.CustomFieldFactory(business_profile=business, key="age", kind="number")
    Contact.objects.filter(name="Person 07").update(metadata={"age": 40})
    client = client_of(owner)

    assert text(client.get(URL, {"q": "person 07"}, headers=HTMX)).count("data-row-link") == 1
    assert text(client.get(URL, {"country": "de br"}, headers=HTMX)).count("data-row-link") == 50
    found = text(client.get(URL, {"test.age": "gte", "value.age": "18"}, headers=HTMX))
    assert "Person 07" in found
    assert "Age is at least 18" in found
    assert text(client.get(URL, {"test.age": "unset", "q": "person 07"})).count("data-row-link") == 0
    assert client.get(URL, {"tags_any": "x"}).status_code == 422


@pytest.mark.parametrize(
    ("query", "partial", "whole"),
    [
        ("", 5, 10),
        ("q=person", 6, 11),
        ("q=person+1&sort=name", 6, 11),
        ("country=DE&sort=newest", 5, 10),
        ("q=person+1&after={after}", 7, 12),
    ],
)
def test_a_page_costs_the_same_few_queries(client_of, owner, business, crowd, query, partial, whole):
    client = client_of(owner)
    tags.add(business, Contact.objects.all(), tags.find_or_create(business, None, ["a", "b"]))
    query = query.format(after=pagination.page(business, ContactFilter(), limit=30).next)
    client.get(URL)
    for expected, headers in ((partial, HTMX), (whole, None)):
        with CaptureQueriesContext(database) as captured:
            client.get(f"{URL}?{query}", headers=headers)
        said = [one["sql"][:120] for one in captured.captured_queries]
        assert len(said) == expected, said


def test_columns_are_kept_for_each_member(client_of, owner, teammate, business, crowd):
    client = client_of(owner)
    factories.CustomFieldFactory(business_profile=business, key="city", label="Town")
    client.post(f"{URL}columns/", {"column": ["email", "field.city", "nonsense"], "filter": "{}"})

    assert ListColumns.objects.get().columns == ["email", "field.city"]
    assert 'data-label="Town"' in text(client.get(URL))
    assert 'data-label="Town"' not in text(client_of(teammate).get(URL))


def test_a_filter_is_kept_as_a_segment_and_opened_again(client_of, owner, business, crowd):
    client = client_of(owner)
    kept = {"country": ["DE"], "q": "person"}
    answer = client.post(f"{URL}segments/", {"name": "Germans", "filter": json.dumps(kept)})
    segment = Segment.objects.get()

    assert segment.filter == kept
    there = text(client.get(answer["Location"]))
    assert "country DE" in there
    assert f"segment={segment.pk}" in there
    client.post(f"{URL}segments/", {"segment": segment.pk, "filter": json.dumps({"country": ["BR"]})})
    segment.refresh_from_db()
    assert segment.filter == {"country": ["BR"]}
    client.post(f"{URL}segments/{segment.pk}/delete/")
    assert not Segment.objects.exists()


def test_a_segment_with_a_deleted_tag_still_opens(client_of, owner, business):
    (tag,) = tags.find_or_create(business, owner, ["Gone"])
    segments.create(business, owner, "Old", ContactFilter(tags_any=(tag.pk,)))
    tags.delete(business, tag, owner)

    assert "Old" in text(client_of(owner).get(URL))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            {"action": "tag", "tag": "VIP", "ids": ["{id}"]},
            {"action": "tag", "ids": ["{id}"], "tags": ["{tag}"]},
        ),
        (
            {"action": "opt_out", "all": "1", "filter": '{"country": ["DE"]}'},
            {"action": "opt_out", "filter": {"country": ["DE"]}},
        ),
    ],
)
def test_many_are_handed_to_a_job(client_of, owner, business, contact, form, expected):
    form = json.loads(json.dumps(form).replace("{id}", str(contact.pk)))
    answer = client_of(owner).post(f"{URL}bulk/", form)

    job = Job.objects.get()
    tag = selectors.tags_of_business(business)
    expected = json.loads(
        json.dumps(expected).replace("{id}", str(contact.pk)).replace("{tag}", str(tag[0].pk) if tag else "")
    )
    assert (answer.status_code, job.kind, job.params) == (302, "contacts.bulk", expected)


@pytest.mark.parametrize(
    "form",
    [
        {"action": "tag", "tag": "VIP"},
        {"action": "burn", "all": "1"},
        {"action": "tag", "all": "1", "tag": ""},
        {"action": "untag", "all": "1", "tag": "Never made"},
        {"action": "campaign", "all": "1"},
        {"action": "delete", "all": "1", "filter": "[]"},
        {"action": "delete", "all": "1", "filter": "{"},
        {"action": "delete", "ids": ["x"]},
    ],
)
def test_many_without_sense_are_refused(client_of, owner, business, form):
    assert client_of(owner).post(f"{URL}bulk/", form).status_code == 422
    assert not Job.objects.exists()
    assert selectors.tags_of_business(business) == []


def test_a_viewer_changes_nothing(client_of, viewer, contact):
    client = client_of(viewer)
    for path in ("bulk/", "segments/", "new/", f"{contact.pk}/tags/", f"{contact.pk}/delete/"):
        assert client.post(URL + path).status_code == 403
