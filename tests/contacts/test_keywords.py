"""What customers' words do by themselves."""

from __future__ import annotations

import time

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from contacts import keyword_matching, selectors
from contacts.models import ConsentProof, ConsentWords, Contact, ContactTag, TagRule
from contacts.services import consent_keywords, contacts, rules
from contacts.tasks import tag_the_silent
from core.errors import InvalidInput, NotFound
from messaging.inbound import receiver
from messaging.models import Conversation, Message
from tests import factories
from tests.messaging.helpers import ago, hello, lease_of


@pytest.fixture
def say(connection, contact):
    """Carla writes."""
    lease = lease_of(connection)
    count = iter(range(1000))

    def one(*texts, **fields):
        receiver.receive(lease, [hello(f"IN{next(count)}", body=text, **fields) for text in texts])
        contact.refresh_from_db()
        return contact

    return one


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        " stop. ",
        "Stop!!! 🙏",
        "UNSUBSCRIBE",
        "Arrêt",
        "arret",
        "СТОП",
        "rezygnuje",
        "parar",
        "إيقاف",
        "रोकें",
    ],
)
def test_a_word_alone_opts_out_with_its_message_as_proof(say, text):
    assert say(text).opted_out_at is not None
    proof = ConsentProof.objects.get()
    assert (proof.how, proof.note) == ("message", text.strip())
    assert Message.objects.get(pk=proof.message_id).content == text


@pytest.mark.parametrize(
    "text",
    [
        "Please don't stop sending these",
        "non stop",
        "When do you stop?",
        "",
        "s t o p",
        "cancel",
        "stop " * 30,
    ],
)
def test_the_word_in_a_sentence_means_nothing(say, text):
    assert say(text).opted_out_at is None


def test_start_restores_and_the_last_word_of_a_batch_counts(say):
    assert say("STOP").opted_out_at is not None
    assert say("Start").opted_out_at is None
    assert say("start", "stop").opted_out_at is not None
    assert list(ConsentProof.objects.order_by("id").values_list("kind", flat=True)) == [
        "opt_out",
        "opt_in",
        "opt_out",
    ]


def test_what_we_type_on_the_phone_opts_nobody_out(say):
    assert say("STOP", from_me=True).opted_out_at is None


def test_a_business_has_its_own_words(say, business, owner):
    consent_keywords.save(business, owner, {"en": "no more\nenough"}, {"en": ["again"]})

    assert say("stop").opted_out_at is None
    assert say("ENOUGH!").opted_out_at is not None
    assert say("again").opted_out_at is None
    consent_keywords.reset(business, owner)
    assert say("stop").opted_out_at is not None


@pytest.mark.parametrize(
    ("stop", "start", "field"),
    [
        ({}, {"en": "go"}, "stop.en"),
        ({"en": "go"}, {"de": "Go!"}, "start.en"),
        ({"en": "x" * 61}, {}, "stop.en"),
        ({"de": "!!!"}, {}, "stop.de"),
        ({"en": ",".join(f"w{n}" for n in range(31))}, {}, "stop.en"),
    ],
)
def test_words_that_cannot_work_are_refused(business, owner, stop, start, field):
    with pytest.raises(InvalidInput) as refused:
        consent_keywords.save(business, owner, stop, start)
    assert refused.value.field == field
    assert not ConsentWords.objects.exists()


def test_the_built_in_words_do_not_contradict_each_other():
    assert not keyword_matching.plain_keywords(keyword_matching.STOP) & keyword_matching.plain_keywords(
        keyword_matching.START
    )
    assert set(keyword_matching.STOP) == set(keyword_matching.START) == set(keyword_matching.LANGUAGES)


def rule(business, **fields):
    return factories.TagRuleFactory(business_profile=business, tag__name="Auto", **fields)


def tagged(contact):
    return [tag.name for tag in selectors.tags_of(contact.pk)]


@pytest.mark.parametrize(
    ("text", "hit"),
    [("What's the PRICE?", True), ("Quel est le prix fixe ?", True), ("priceless", False), ("prix", False)],
)
def test_a_keyword_tags_whoever_writes_it(say, business, text, hit):
    one = rule(business, keywords=["price", "Prix Fixe"])

    assert tagged(say(text)) == (["Auto"] if hit else [])
    one.refresh_from_db()
    assert one.tagged_count == (1 if hit else 0)


def test_the_first_message_tags_and_the_second_does_not(say, business, contact):
    rule(business, kind=TagRule.Kind.FIRST_CONTACT)

    assert tagged(say("Hello", "again")) == ["Auto"]
    selectors.tags_of(contact.pk)[0].contact_tags.all().delete()
    assert tagged(say("Me again")) == []


def test_a_resting_rule_does_nothing(say, business, owner):
    rules.set_active(business, rule(business).pk, owner, active=False)

    assert tagged(say("price")) == []


def silent(conversation, days, direction="outbound"):
    Conversation.objects.filter(pk=conversation.pk).update(
        last_message_at=ago(days=days), preview_direction=direction
    )


@pytest.mark.parametrize(
    ("days", "direction", "hit"), [(4, "outbound", True), (2, "outbound", False), (4, "inbound", False)]
)
def test_silence_tags_by_the_clock(business, contact, conversation, days, direction, hit):
    rule(business, kind=TagRule.Kind.NO_ANSWER, days=3)
    silent(conversation, days, direction)

    tag_the_silent()
    tag_the_silent()

    assert tagged(contact) == (["Auto"] if hit else [])
    assert TagRule.objects.get().tagged_count == (1 if hit else 0)


def test_a_dry_run_shows_who_would_be_tagged_and_tags_nobody(say, business, contact, owner, other_business):
    say("price?")
    for condition in (
        {"kind": "keyword", "keywords": ["price"]},
        {"kind": "first_contact"},
    ):
        tried = rules.draft(business, tag=factories.TagFactory(business_profile=business), **condition)
        assert rules.dry_run(business, tried) == ([contact], 1)
    assert not TagRule.objects.exists()
    assert tagged(contact) == []

    kept = rules.create(business, owner, tag=tried.tag, kind="first_contact")
    assert rules.run(business, kept, owner) == 1
    assert rules.dry_run(business, kept) == ([], 0)


@pytest.mark.parametrize(
    "wrong", [{"kind": "x"}, {"kind": "keyword"}, {"kind": "keyword", "keywords": "?"}, {"kind": "no_answer"}]
)
def test_rules_without_a_condition_are_refused(business, owner, wrong):
    with pytest.raises(InvalidInput):
        rules.create(business, owner, tag=factories.TagFactory(business_profile=business), **wrong)


def test_foreign_rules_and_tags_are_not_found(business, other_business, owner):
    foreign = rule(other_business)
    for act in (
        lambda: rules.delete(business, foreign.pk, owner),
        lambda: rules.create(business, owner, tag=foreign.tag, kind="first_contact"),
    ):
        with pytest.raises(NotFound):
            act()


def test_who_is_blocked_is_heard_but_does_not_disturb(say, business, contact, conversation, owner):
    say("Hello")
    contacts.block(business, [contact.pk], owner)
    row = Conversation.objects.get()
    assert (row.state, row.unread_count) == ("closed", 0)
    say("Hello?")

    row.refresh_from_db()
    assert (row.state, row.unread_count, row.preview) == ("closed", 0, "Hello?")
    contacts.unblock(business, [contact.pk], owner)
    say("Thanks")
    row.refresh_from_db()
    assert (row.state, row.unread_count) == ("open", 1)


@pytest.mark.parametrize("count", [2, 40])
def test_listening_costs_the_same_for_every_batch(business, connection, contact, count):
    lease = lease_of(connection)
    rule(business)
    receiver.receive(lease, [hello("WARM", body="hi")])
    with CaptureQueriesContext(database) as captured:
        receiver.receive(lease, [hello(f"Q{n}", body="hi there") for n in range(count)])

    said = [one["sql"] for one in captured.captured_queries]
    assert (
        sum("consent_words" in sql or "tag_rules" in sql or "total_messages" in sql[:400] for sql in said)
        <= 5
    )


def test_a_deleted_contact_takes_its_tags_along(say, business, contact, owner):
    rule(business)
    say("price")
    contacts.delete(business, Contact.objects.all(), owner)

    assert not ContactTag.objects.exists()


def test_a_message_of_nothing_but_accents_is_matched_quickly() -> None:
    accents = "a" + "\u0301\u0316" * 32_000 + " stop"
    begin = time.perf_counter()
    assert keyword_matching.plain(accents) == "a stop"
    assert time.perf_counter() - begin < 2
