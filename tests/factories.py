"""Rows for tests, one factory a table. Numbers are the sandbox's (+999...): none can belong to a person."""

from __future__ import annotations

from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import BusinessProfile, Membership, User
from accounts.roles import Role
from connections.models import SandboxCustomer, SandboxPhone, WhatsAppConnection
from contacts.models import (
    Contact,
    ContactIdentity,
    ContactImport,
    ContactNote,
    CustomField,
    Segment,
    Tag,
    TagRule,
)
from core.ids import uuid7
from core.phone import phone
from jobs.models import Job
from messaging.models import Conversation, MediaFile, Message
from webhooks.models import EventFeed, Webhook

PASSWORD = "correct horse battery staple"


class UserFactory(DjangoModelFactory):
    """A person who can sign in with `PASSWORD`."""

    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    full_name = factory.Sequence(lambda n: f"Person {n}")
    password = PASSWORD

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **fields: Any) -> User:
        return model_class.objects.create_user(*args, **fields)


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    role = Role.AGENT


class BusinessFactory(DjangoModelFactory):
    """A business whose `user` is a member with the role owner."""

    class Meta:
        model = BusinessProfile
        skip_postgeneration_save = True

    user = factory.SubFactory(UserFactory)
    business_name = factory.Sequence(lambda n: f"Business {n}")

    @factory.post_generation
    def owner_membership(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        if create:
            Membership.objects.get_or_create(
                user=self.user, business_profile=self, defaults={"role": Role.OWNER}
            )


class ConnectionFactory(DjangoModelFactory):
    """A connected sandbox number, without the simulated phone (see SandboxPhoneFactory)."""

    class Meta:
        model = WhatsAppConnection

    business_profile = factory.SubFactory(BusinessFactory)
    name = "Shop"
    phone_number = factory.Sequence(lambda n: f"+99910{n:07d}")
    connection_mode = WhatsAppConnection.Mode.SANDBOX
    status = WhatsAppConnection.Status.CONNECTED
    desired = WhatsAppConnection.Desired.ONLINE
    last_connected_at = factory.LazyFunction(timezone.now)


class SandboxPhoneFactory(DjangoModelFactory):
    """The simulated phone of a number: linked, online, without delays."""

    class Meta:
        model = SandboxPhone

    connection = factory.SubFactory(ConnectionFactory)
    number = factory.LazyAttribute(lambda phone: phone.connection.phone_number)
    seed = 7
    speed = 0.0
    linked_secret = "linked"
    cast_started = True


class SandboxCustomerFactory(DjangoModelFactory):
    class Meta:
        model = SandboxCustomer

    phone = factory.SubFactory(SandboxPhoneFactory)
    name = factory.Sequence(lambda n: f"Customer {n}")
    number = factory.Sequence(lambda n: f"+99920{n:07d}")
    lid = factory.Sequence(lambda n: f"7700{n:010d}")
    persona = "quiet"


class ContactFactory(DjangoModelFactory):
    """A person with a phone number, and the identity that belongs to it."""

    class Meta:
        model = Contact
        skip_postgeneration_save = True

    business_profile = factory.SubFactory(BusinessFactory)
    phone_number = factory.Sequence(lambda n: f"+99930{n:07d}")
    name = factory.Sequence(lambda n: f"Contact {n}")

    @factory.post_generation
    def identity(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        if create and self.phone_number:
            ContactIdentity.objects.get_or_create(
                business_profile=self.business_profile,
                kind=ContactIdentity.Kind.PHONE,
                value=phone.canonical(self.phone_number),
                defaults={"contact": self},
            )


class ContactImportFactory(DjangoModelFactory):
    """An import whose file is gone already."""

    class Meta:
        model = ContactImport

    business_profile = factory.SubFactory(BusinessFactory)
    file_name = "people.csv"
    size = 1
    format = "csv"
    columns = ["Phone"]
    mapping = ["phone"]


class JobFactory(DjangoModelFactory):
    """A job that waits for a worker."""

    class Meta:
        model = Job

    business_profile = factory.SubFactory(BusinessFactory)
    kind = "test"


class TagFactory(DjangoModelFactory):
    class Meta:
        model = Tag

    business_profile = factory.SubFactory(BusinessFactory)
    name = factory.Sequence(lambda n: f"Tag {n}")
    color = "#1c7ed6"


class TagRuleFactory(DjangoModelFactory):
    """A rule that tags by the word "price"."""

    class Meta:
        model = TagRule

    business_profile = factory.SubFactory(BusinessFactory)
    tag = factory.SubFactory(TagFactory, business_profile=factory.SelfAttribute("..business_profile"))
    kind = TagRule.Kind.KEYWORD
    keywords = ["price"]


class CustomFieldFactory(DjangoModelFactory):
    class Meta:
        model = CustomField

    business_profile = factory.SubFactory(BusinessFactory)
    key = factory.Sequence(lambda n: f"field_{n}")
    label = factory.LazyAttribute(lambda field: field.key.title())


class SegmentFactory(DjangoModelFactory):
    class Meta:
        model = Segment

    business_profile = factory.SubFactory(BusinessFactory)
    name = factory.Sequence(lambda n: f"Segment {n}")


class ContactNoteFactory(DjangoModelFactory):
    class Meta:
        model = ContactNote

    contact = factory.SubFactory(ContactFactory)
    business_profile = factory.SelfAttribute("contact.business_profile")
    body = "Likes rye bread"


class ConversationFactory(DjangoModelFactory):
    """A conversation whose contact and number belong to one business."""

    class Meta:
        model = Conversation

    business_profile = factory.SubFactory(BusinessFactory)
    contact = factory.SubFactory(ContactFactory, business_profile=factory.SelfAttribute("..business_profile"))
    connection = factory.SubFactory(
        ConnectionFactory, business_profile=factory.SelfAttribute("..business_profile")
    )


class MediaFileFactory(DjangoModelFactory):
    class Meta:
        model = MediaFile

    business_profile = factory.SubFactory(BusinessFactory)
    kind = Message.Type.IMAGE
    mime = "image/png"
    name = "picture.png"


class MessageFactory(DjangoModelFactory):
    """A customer's text; `outbound=True` makes it a sent reply. The conversation's preview stays."""

    class Meta:
        model = Message

    class Params:
        outbound = factory.Trait(
            direction=Message.Direction.OUTBOUND, status=Message.Status.SENT, origin=Message.Origin.INBOX
        )

    conversation = factory.SubFactory(ConversationFactory)
    business_profile = factory.SelfAttribute("conversation.business_profile")
    contact = factory.SelfAttribute("conversation.contact")
    connection = factory.SelfAttribute("conversation.connection")
    whatsapp_message_id = factory.LazyFunction(lambda: f"TEST{uuid7().hex.upper()}")
    direction = Message.Direction.INBOUND
    message_type = Message.Type.TEXT
    status = Message.Status.RECEIVED
    origin = Message.Origin.CUSTOMER
    content = "Hello"


class WebhookFactory(DjangoModelFactory):
    """An endpoint of another system that hears everything."""

    class Meta:
        model = Webhook
        skip_postgeneration_save = True

    business_profile = factory.SubFactory(BusinessFactory)
    url = factory.Sequence(lambda n: f"https://hooks{n}.example/whatsflow")
    events = factory.LazyFunction(lambda: ["*"])
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    @factory.post_generation
    def recording(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        if create:
            EventFeed.objects.get_or_create(business_profile=self.business_profile)
