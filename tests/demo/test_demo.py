"""The demo business: consistent, believable, and there once."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, Max, Min
from django.test import Client

from accounts.models import BusinessProfile, Membership, User
from connections.models import WhatsAppConnection
from contacts.models import Contact, ContactIdentity
from core.phone import phone
from messaging.models import Conversation, ConversationEvent, MediaFile, Message
from whatsflow.demo import build
from whatsflow.demo.history import History
from whatsflow.demo.people import person
from whatsflow.demo.scenes import SCENES
from whatsflow.demo.tables import Table

pytestmark = pytest.mark.services

PASSWORD = "pottery wheel 42"
UNTIL = datetime(2026, 3, 31, 20, tzinfo=UTC)


def history(people=40, messages=600):
    return History(people, messages, UNTIL, ZoneInfo("Europe/Lisbon"), senders=3)


def run(*arguments):
    out = StringIO()
    call_command("demo", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def demo(db, media_root):
    """A small demo business."""
    run("--contacts", "30", "--messages", "400", "--password", PASSWORD)
    return build.find()


# -- the story ---------------------------------------------------------------------------------------


def test_a_history_is_the_same_each_time_and_exactly_as_long_as_asked_for():
    assert list(history()) == list(history())
    assert len(list(history(messages=601))) == 601
    assert list(history(messages=0)) == []


def test_a_history_is_in_the_order_of_time_and_in_the_past():
    times = [said.at for said in history()]
    assert times == sorted(times)
    assert times[-1] < UNTIL.timestamp()
    assert times[0] > (UNTIL - timedelta(days=31)).timestamp()
    assert len({said.id for said in history()}) == 600


def test_most_is_said_in_business_hours():
    hours = Counter(datetime.fromtimestamp(said.at, ZoneInfo("Europe/Lisbon")).hour for said in history())
    assert sum(hours[hour] for hour in range(8, 19)) > 0.8 * 600


def test_everybody_says_something_when_there_is_enough_to_say():
    assert {said.person for said in history()} == set(range(40))


def test_somebody_new_comes_all_the_time():
    first = {}
    for said in history():
        first.setdefault(said.person, said.at)
    begin = (UNTIL - timedelta(days=30)).timestamp()
    weeks = Counter(int((at - begin) // (7 * 86400)) for at in first.values())
    assert all(weeks[week] >= 4 for week in range(4))


def test_who_answered_has_read():
    told = {}
    for said in sorted(history(), key=lambda said: (said.person, said.at)):
        before = told.get(said.person)
        if before and before.ours and not said.ours and before.status == "read" and before.read_at < said.at:
            assert before.read_at >= before.at
        told[said.person] = said
    assert {said.status for said in history() if said.ours} >= {"read", "delivered", "sent"}
    assert {said.status for said in history() if not said.ours} == {"received"}


def test_numbers_are_sandbox_numbers_and_no_two_are_the_same():
    numbers = [person(index).number or person(index).lid for index in range(20_000)]
    assert len(set(numbers)) == len(numbers)
    for index in range(200):
        if number := person(index).number:
            assert phone.to_e164(number) == number
            assert not number.endswith("0000")


def test_every_scene_has_all_its_words_filled_in():
    assert not [said.text for said in history(messages=3000) if "{" in said.text or "[" in said.text]
    assert all(scene for scene in SCENES)


# -- the rows ----------------------------------------------------------------------------------------


def test_the_business_has_a_team_a_connected_number_and_its_history(demo):
    roles = Membership.objects.filter(business_profile=demo).values_list("role", flat=True)
    assert sorted(roles) == ["admin", "agent", "owner", "viewer"]
    number = WhatsAppConnection.objects.get(business_profile=demo)
    assert (number.status, number.desired, number.connection_mode) == ("connected", "online", "sandbox")
    assert number.session_data == number.sandbox_phone.linked_secret
    assert number.sandbox_phone.customers.count() == 30
    assert Contact.objects.filter(business_profile=demo).count() == 30
    assert Message.objects.filter(business_profile=demo).count() == 400
    assert Conversation.objects.filter(unread_count__gt=0).exists()
    assert Message.objects.exclude(sender=None).values("sender").distinct().count() == 3


def test_what_is_closed_was_closed_by_somebody_after_its_last_message(demo):
    closed = Conversation.objects.filter(state="closed")
    assert closed
    assert ConversationEvent.objects.count() == closed.count()
    for conversation in closed:
        closing = conversation.events.get()
        assert closing.begun_at <= conversation.last_message_at <= closing.created_at
        assert closing.actor.full_name


def test_conversations_show_their_last_message(demo):
    for conversation in Conversation.objects.all():
        last = conversation.messages.order_by("created_at", "id").last()
        assert conversation.last_message_id == last.pk
        assert conversation.last_message_at == last.created_at
        assert conversation.preview.split() == last.content.split()
        assert conversation.preview_status == last.status
        assert conversation.preview_direction == last.direction
        assert conversation.preview_type == last.message_type
        newest = conversation.messages.order_by("-created_at", "-id")[: conversation.unread_count]
        assert all(message.direction == "inbound" for message in newest)


def test_contacts_count_their_messages(demo):
    counted = Contact.objects.annotate(
        n=Count("messages"), first=Min("messages__created_at"), last=Max("messages__created_at")
    )
    for contact in counted:
        told = (contact.total_messages, contact.first_message_at, contact.last_message_at)
        assert told == (contact.n, contact.first, contact.last)


def test_contacts_are_found_by_their_identities(demo):
    for identity in ContactIdentity.objects.select_related("contact"):
        if identity.kind == ContactIdentity.Kind.PHONE:
            assert identity.value == phone.canonical(identity.contact.phone_number)
        else:
            assert identity.contact.phone_number is None


def test_pictures_are_there_with_thumbnails(demo):
    media = MediaFile.objects.first()
    assert media.file.read(3) == media.thumbnail.read(3) == b"\xff\xd8\xff"
    assert media.size == media.file.size
    assert Message.objects.filter(message_type="image").exclude(media=None).exclude(media_url="").exists()


def test_times_of_a_message_follow_each_other(demo):
    for message in Message.objects.exclude(sent_at=None):
        times = [message.created_at, message.sent_at, message.delivered_at, message.read_at]
        known = [time for time in times if time]
        assert known == sorted(known)


# -- the command -------------------------------------------------------------------------------------


def test_the_printed_password_opens_the_door(demo):
    assert User.objects.get(email=build.EMAIL).check_password(PASSWORD)
    assert Client().login(request=_request(), username=build.EMAIL, password=PASSWORD)


def _request():
    from django.test import RequestFactory

    return RequestFactory().post("/")


def test_a_second_run_says_that_it_is_there(demo):
    before = BusinessProfile.objects.count()
    told = run()
    assert "there already" in told
    assert build.EMAIL in told
    assert BusinessProfile.objects.count() == before
    assert Message.objects.count() == 400


def test_a_second_run_can_set_the_password(demo):
    assert "another wheel 43" in run("--password", "another wheel 43")
    assert User.objects.get(email=build.EMAIL).check_password("another wheel 43")


def test_reset_makes_it_anew(demo):
    run("--reset", "--contacts", "5", "--messages", "40", "--password", PASSWORD)
    fresh = build.find()
    assert fresh.pk != demo.pk
    assert (Contact.objects.count(), Message.objects.count()) == (5, 40)
    assert User.objects.count() == 4


def test_an_interrupted_run_is_started_again(db, media_root, monkeypatch):
    def stumble(self, rows):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Table, "_write", stumble)
        with pytest.raises(KeyboardInterrupt):
            run("--contacts", "5", "--messages", "40")
    assert build.find() is None
    run("--contacts", "5", "--messages", "40")
    assert BusinessProfile.objects.filter(deleted_at=None).count() == 1


def test_a_weak_password_is_refused_and_nothing_is_made(db):
    with pytest.raises(CommandError):
        run("--password", "short")
    assert not BusinessProfile.objects.exists()


@pytest.mark.parametrize("size", [("--contacts", "0"), ("--messages", "-1")])
def test_impossible_sizes_are_refused(db, size):
    with pytest.raises(CommandError):
        run(*size)


def test_a_table_refuses_columns_that_it_does_not_have():
    with pytest.raises(ValueError, match="nonsense"):
        Table(Contact, ["id", "nonsense"])
