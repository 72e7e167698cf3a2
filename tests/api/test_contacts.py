"""Contacts, tags, notes, fields and segments by the API: one test for each operation, and what is special."""

import pytest

from contacts.filters.contact_filter import ContactFilter
from contacts.models import Contact, ContactNote, ContactTag, CustomField, Segment, Tag
from contacts.payloads import contact_data
from contacts.services import consent, fields, segments, tags
from tests.factories import ContactFactory, MessageFactory


def data(answer, status=200):
    assert answer.status_code == status, answer.content
    return answer.json()["data"]


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def vip(business):
    return tags.create(business, None, "VIP", "#d6336c")


# -- contacts ----------------------------------------------------------------------------------------


def test_get_contacts(program, business, contact, vip, django_assert_num_queries):
    more = [ContactFactory(business_profile=business, name=f"N{number}") for number in range(4)]
    tags.add(business, [contact.pk], [vip])
    program.get("contacts")
    with django_assert_num_queries(3):  # the key, the page, its tags
        answer = program.get("contacts?limit=2")
    assert [row["name"] for row in data(answer)] == ["N3", "N2"]
    following = program.get(f"contacts?limit=10&cursor={answer.json()['meta']['nextCursor']}")
    last = data(following)[-1]
    assert (last["name"], last["tags"][0]["name"]) == ("Carla Customer", "VIP")
    assert len(data(program.get("contacts?order=createdAt"))) == 1 + len(more)


def test_contacts_are_listed_by_name_page_by_page_in_both_directions(program, business):
    names = ["anna", "Berta", "Änne", "Carl", ""]
    for name in names:
        ContactFactory(business_profile=business, name=name, push_name="")
    for order in ("name", "-name"):
        whole = [row["id"] for row in data(program.get(f"contacts?order={order}"))]
        found, cursor = [], ""
        while cursor is not None:
            answer = program.get(f"contacts?order={order}&limit=2" + (cursor and f"&cursor={cursor}"))
            found += [row["id"] for row in data(answer)]
            cursor = answer.json()["meta"]["nextCursor"]
        assert found == whole
        assert len(found) == len(names)
    listed = [row["name"] for row in data(program.get("contacts?order=name")) if row["name"].isascii()]
    assert listed == ["", "anna", "Berta", "Carl"]


def test_the_shape_is_that_of_events(program, contact):
    assert set(contact_data(contact)) | {"tags"} == set(data(program.get(f"contacts/{contact.pk}")))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=carla", ["Carla Customer"]),
        ("phoneNumber=%2B999%202000000001", ["Carla Customer"]),
        ("tagsAny={vip}", ["Carla Customer"]),
        ("tagsNone={vip}", ["Quiet"]),
        ("segmentId={segment}", ["Quiet"]),
        ("neverWrote=true", ["Quiet", "Carla Customer"]),
        ("optedOut=true", ["Quiet"]),
        ("optedOut=true&q=carla", []),
        ("blocked=true", []),
        ("country=DE", []),
        ("lastMessageAfter=2026-01-01T00:00:00Z", []),
    ],
)
def test_contacts_are_filtered(program, business, contact, vip, query, found):
    quiet = ContactFactory(business_profile=business, name="Quiet")
    tags.add(business, [contact.pk], [vip])
    consent.opt_out(business, [quiet.pk], how="team")
    wanted = ContactFilter.parse(business, {"q": "quiet"})
    segment = segments.create(business, None, "Quiet ones", wanted)
    answer = program.get("contacts?" + query.format(vip=vip.pk, segment=segment.pk))
    assert [row["name"] for row in data(answer)] == found


@pytest.mark.parametrize(
    "query", ["neverWrote=yes", "tagsAny=x", "colour=red", "limit=0", "limit=1000", "order=colour"]
)
def test_filters_that_make_no_sense_are_refused(program, query):
    assert program.get(f"contacts?{query}").status_code == 400


def test_get_contacts_id(program, contact):
    row = data(program.get(f"contacts/{contact.pk}"))
    assert (row["id"], row["phoneNumber"], row["tags"]) == (str(contact.pk), "+9992000000001", [])


def test_post_contacts(program, business):
    row = data(program.post("contacts", {"phoneNumber": "+999 2000 000 009", "name": "Ben"}), 201)
    assert (row["phoneNumber"], row["name"]) == ("+9992000000009", "Ben")
    again = program.post("contacts", {"phoneNumber": "+9992000000009"})
    assert code(again) == (409, "contact_exists")
    assert again.json()["error"]["details"][0]["contact"] == row["id"]
    assert code(program.post("contacts", {"phoneNumber": "12"})) == (422, "invalid_phone_number")


def test_put_contacts_id(program, business, contact):
    fields.create(business, None, label="City")
    fields.create(business, None, label="Size")
    sent = {"name": "Carla", "metadata": {"city": "Lisbon", "size": "M"}}
    assert data(program.put(f"contacts/{contact.pk}", sent))["metadata"] == {"city": "Lisbon", "size": "M"}
    row = data(program.put(f"contacts/{contact.pk}", {"email": "c@example.com", "metadata": {"size": "L"}}))
    assert (row["name"], row["email"], row["metadata"]) == ("", "c@example.com", {"size": "L"})
    assert row["phoneNumber"] == contact.phone_number


def test_patch_contacts_id(program, business, contact):
    row = data(program.patch(f"contacts/{contact.pk}", {"email": "c@example.com"}))
    assert (row["name"], row["email"]) == ("Carla Customer", "c@example.com")


def test_delete_contacts_id(program, contact):
    assert program.delete(f"contacts/{contact.pk}").status_code == 204
    assert code(program.get(f"contacts/{contact.pk}")) == (404, "not_found")


def test_a_contact_that_changed_is_not_deleted_unseen(program, contact):
    seen = program.get(f"contacts/{contact.pk}")["ETag"]
    program.patch(f"contacts/{contact.pk}", {"name": "Somebody else"})
    assert program.delete(f"contacts/{contact.pk}", if_match=seen).status_code == 412
    assert Contact.objects.filter(pk=contact.pk).exists()


def test_post_contacts_id_merge(program, business, contact, conversation):
    other = ContactFactory(business_profile=business, name="Carla's old number")
    data(program.post(f"contacts/{contact.pk}/merge", {"contactId": str(other.pk)}))
    assert not Contact.objects.filter(pk=other.pk).exists()


def test_put_contacts_id_consent(program, contact):
    row = data(program.put(f"contacts/{contact.pk}/consent", {"optedOut": True, "note": "By phone"}))
    assert row["optedOutAt"]
    row = data(program.put(f"contacts/{contact.pk}/consent", {"optedOut": False}))
    assert row["optedOutAt"] is None


def test_post_contacts_id_block_and_unblock(program, contact):
    assert data(program.post(f"contacts/{contact.pk}/block"))["blockedAt"]
    assert data(program.post(f"contacts/{contact.pk}/unblock"))["blockedAt"] is None


def test_post_contacts_bulk(program, business, contact, vip):
    other = ContactFactory(business_profile=business, name="Other")
    named = {"action": "tag", "contactIds": [str(contact.pk), str(other.pk)], "tagIds": [str(vip.pk)]}
    assert data(program.post("contacts/bulk", named)) == {"changed": 2}
    found = {"action": "untag", "filter": {"q": "carla"}, "tagIds": [str(vip.pk)]}
    assert data(program.post("contacts/bulk", found)) == {"changed": 1}
    for action in ("block", "unblock", "optOut", "optIn", "delete"):
        answer = program.post("contacts/bulk", {"action": action, "contactIds": [str(other.pk)]})
        assert data(answer) == {"changed": 1}


def test_bulk_wants_to_know_whom_and_what(program, contact):
    whom = {"action": "block"}
    assert code(program.post("contacts/bulk", whom)) == (422, "no_contacts")
    both = {"action": "block", "contactIds": [str(contact.pk)], "filter": {}}
    assert code(program.post("contacts/bulk", both)) == (422, "no_contacts")
    assert code(program.post("contacts/bulk", {"action": "tag", "contactIds": []})) == (422, "no_tags")
    assert code(program.post("contacts/bulk", {"action": "block", "filter": {"colour": 1}})) == (
        422,
        "invalid_filter",
    )


def test_bulk_leaves_other_businesses_alone(program, other_business):
    theirs = ContactFactory(business_profile=other_business)
    for action in ("block", "delete", "optOut"):
        answer = program.post("contacts/bulk", {"action": action, "contactIds": [str(theirs.pk)]})
        assert data(answer) == {"changed": 0}
    theirs.refresh_from_db()
    assert theirs.blocked_at is None


# -- a contact's tags and notes ----------------------------------------------------------------------


def test_post_contacts_id_tags(program, business, contact, vip):
    sent = {"tagIds": [str(vip.pk)], "names": ["Lead", "vip"]}
    assert [tag["name"] for tag in data(program.post(f"contacts/{contact.pk}/tags", sent))] == ["Lead", "VIP"]
    assert [tag["name"] for tag in data(program.get(f"contacts/{contact.pk}/tags"))] == ["Lead", "VIP"]


def test_delete_contacts_id_tags_id(program, business, contact, vip):
    tags.add(business, [contact.pk], [vip])
    assert program.delete(f"contacts/{contact.pk}/tags/{vip.pk}").status_code == 204
    assert not ContactTag.objects.exists()


def test_notes_are_written_read_and_deleted(program, business, contact, owner):
    note = data(program.post(f"contacts/{contact.pk}/notes", {"body": "Likes blue."}), 201)
    assert note["author"]["fullName"] == owner.full_name
    place = f"contacts/{contact.pk}/notes/{note['id']}"
    assert [row["body"] for row in data(program.get(f"contacts/{contact.pk}/notes"))] == ["Likes blue."]
    seen = program.get(place)["ETag"]
    assert data(program.put(place, {"body": "Likes green."}))["body"] == "Likes green."
    assert program.put(place, {"body": "Likes red."}, if_match=seen).status_code == 412
    other = ContactFactory(business_profile=business)
    assert program.put(f"contacts/{other.pk}/notes/{note['id']}", {"body": "x"}).status_code == 404
    assert program.delete(f"contacts/{other.pk}/notes/{note['id']}").status_code == 404
    assert program.delete(f"contacts/{contact.pk}/notes/{note['id']}").status_code == 204
    assert not ContactNote.objects.exists()


def test_post_contacts_id_personal_data(program, contact):
    job = data(program.post(f"contacts/{contact.pk}/personal-data"), 201)
    assert job["kind"] == "contacts.personal_data"
    assert data(program.get(f"jobs/{job['id']}"))["state"] == "queued"


# -- tags --------------------------------------------------------------------------------------------


def test_get_tags(program, vip, django_assert_num_queries):
    with django_assert_num_queries(4):  # the key, its use, the count, the page
        answer = program.get("tags")
    assert [tag["name"] for tag in data(answer)] == ["VIP"]
    assert answer.json()["meta"]["total"] == 1
    assert data(program.get(f"tags/{vip.pk}"))["color"] == "#d6336c"


def test_post_tags(program, business):
    assert data(program.post("tags", {"name": "Lead"}), 201)["color"].startswith("#")
    assert code(program.post("tags", {"name": "lead"})) == (409, "tag_exists")


def test_put_tags_id(program, vip):
    assert data(program.put(f"tags/{vip.pk}", {"name": "Gold", "color": "#ffcc00"}))["name"] == "Gold"
    assert data(program.patch(f"tags/{vip.pk}", {"color": "#000000"}))["name"] == "Gold"
    assert program.put(f"tags/{vip.pk}", {"name": "Gold", "color": "red"}).status_code == 400


def test_delete_tags_id(program, vip):
    assert program.delete(f"tags/{vip.pk}").status_code == 204
    assert not Tag.objects.exists()


def test_post_tags_id_merge(program, business, contact, vip):
    other = tags.create(business, None, "Very important", "")
    tags.add(business, [contact.pk], [other])
    assert data(program.post(f"tags/{vip.pk}/merge", {"tagId": str(other.pk)}))["name"] == "VIP"
    assert [tag["name"] for tag in data(program.get(f"contacts/{contact.pk}/tags"))] == ["VIP"]
    assert code(program.post(f"tags/{vip.pk}/merge", {"tagId": str(vip.pk)})) == (422, "same_tag")


def test_tag_rules_are_made_run_switched_and_deleted(program, conversation, vip):
    MessageFactory(conversation=conversation, content="Where is my invoice?")
    wanted = {"tagId": str(vip.pk), "kind": "keyword", "keywords": ["invoice"]}
    made = data(program.post("tag-rules", wanted), 201)
    assert (made["keywords"], made["isActive"], made["taggedCount"]) == (["invoice"], True, 0)
    place = f"tag-rules/{made['id']}"
    assert data(program.post(f"{place}/run")) == {"tagged": 1}
    assert data(program.get(place))["taggedCount"] == 1
    assert data(program.patch(place, {"isActive": False}))["isActive"] is False
    assert [rule["id"] for rule in data(program.get("tag-rules"))] == [made["id"]]
    assert program.delete(place).status_code == 204
    assert data(program.get("tag-rules")) == []
    assert code(program.post("tag-rules", {**wanted, "keywords": []})) == (422, "no_keywords")


def test_agents_use_fields_and_rules_and_do_not_make_them(as_person, teammate, vip):
    caller = as_person(teammate)
    assert caller.get("fields").status_code == caller.get("tag-rules").status_code == 200
    rule = {"tagId": str(vip.pk), "kind": "first_contact"}
    for answer in (caller.post("fields", {"label": "Size"}), caller.post("tag-rules", rule)):
        assert code(answer) == (403, "forbidden")


# -- repetitions -------------------------------------------------------------------------------------


def test_the_same_creation_twice_makes_one_tag(program):
    first = program.post("tags", {"name": "Lead"}, idempotency_key="k1")
    second = program.post("tags", {"name": "Lead"}, idempotency_key="k1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert Tag.objects.count() == 1


def test_another_body_under_the_same_key_is_refused(program):
    program.post("tags", {"name": "Lead"}, idempotency_key="k1")
    assert code(program.post("tags", {"name": "Other"}, idempotency_key="k1")) == (
        422,
        "idempotency_key_reused",
    )


def test_a_refused_request_may_be_corrected_under_its_key(program, vip):
    assert code(program.post("tags", {"name": "VIP"}, idempotency_key="k1")) == (409, "tag_exists")
    assert program.post("tags", {"name": "Lead"}, idempotency_key="k1").status_code == 201


def test_keys_of_two_businesses_do_not_meet(program, as_program, other_business):
    other = as_program(other_business)
    assert program.post("tags", {"name": "Lead"}, idempotency_key="k1").status_code == 201
    assert other.post("tags", {"name": "Other"}, idempotency_key="k1").status_code == 201


# -- fields and segments -----------------------------------------------------------------------------


def test_fields_are_made_changed_and_deleted(program, business):
    made = data(program.post("fields", {"label": "Größe", "kind": "choice", "choices": ["S", "M"]}), 201)
    assert made["key"] == "grosse"
    place = f"fields/{made['id']}"
    assert data(program.put(place, {"label": "Size", "choices": ["S"]}))["choices"] == ["S"]
    assert data(program.patch(place, {"label": "Sizes"}))["choices"] == ["S"]
    assert data(program.patch(place, {"choices": ["M"]}))["label"] == "Sizes"
    assert data(program.put(place, {"label": "Size", "choices": ["S"]}))["label"] == "Size"
    assert data(program.get(place))["label"] == "Size"
    assert [one["key"] for one in data(program.get("fields"))] == ["grosse"]
    assert program.delete(place).status_code == 204
    assert not CustomField.objects.exists()


def test_segments_are_made_changed_and_deleted(program, vip):
    wanted = {"tagsAny": [str(vip.pk)], "neverWrote": True}
    made = data(program.post("segments", {"name": "New VIPs", "filter": wanted}), 201)
    assert made["filter"] == wanted
    place = f"segments/{made['id']}"
    assert data(program.patch(place, {"name": "Newest VIPs"}))["filter"] == wanted
    assert data(program.patch(place, {"filter": {"blocked": True}}))["name"] == "Newest VIPs"
    assert data(program.put(place, {"name": "VIPs", "filter": {}}))["filter"] == {}
    assert data(program.get(place))["name"] == "VIPs"
    assert len(data(program.get("segments"))) == 1
    assert program.delete(place).status_code == 204
    assert not Segment.objects.exists()
    assert code(program.post("segments", {"name": "x", "filter": {"tags_any": []}})) == (
        422,
        "invalid_filter",
    )
