"""Creating, finding and removing the demo business."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import BusinessProfile, User
from accounts.roles import Role
from accounts.services import businesses, purge, team, users
from analytics import aggregates
from connections.models import SandboxCustomer, SandboxPhone, WhatsAppConnection
from connections.services import numbers
from contacts.models import ConsentProof, Contact, ContactIdentity, ContactNote, ContactTag, Suppression
from core.clock import now
from core.db import bulk
from messaging.models import Conversation, ConversationEvent, Message
from messaging.services import quick_replies
from whatsflow.demo import pictures, rows, sorting
from whatsflow.demo.history import DAYS, History
from whatsflow.demo.people import person

EMAIL = "demo@example.com"
NAME = "Corner Ceramics"
UNFINISHED = f"{NAME} (being made)"
ZONE = "Europe/Lisbon"
TEAM = (
    ("ada.demo@example.com", "Ada Almeida", Role.ADMIN),
    ("tim.demo@example.com", "Tim Torres", Role.AGENT),
    ("vera.demo@example.com", "Vera Vega", Role.VIEWER),
)
QUICK_REPLIES = (
    ("hours", "Hello {{first_name|there}}, we are open Tuesday to Saturday, ten to six."),
    ("parcel", "Your parcel leaves tomorrow morning. You get the tracking number by e-mail."),
    ("course", "There is a place in Saturday's course, {{first_name|there}}. Shall I keep it for you?"),
)
PERSONAS = ("chatty", "greeter", "late", "asker", "quiet", "silent")
MAX_CUSTOMERS = 60
"""Number of contacts that answer, as customers of the simulated phone."""


@dataclass(frozen=True)
class Size:
    """Amount of demo data."""

    contacts: int = 80
    messages: int = 1200
    days: int = DAYS


Progress = Callable[[str, int], None]
"""Called with the kind of rows that were written, and their number."""


def find() -> BusinessProfile | None:
    """Find the demo business; None if it is missing or incomplete."""
    return _owned(NAME).first()


def build(password: str, size: Size, progress: Progress) -> BusinessProfile:
    """Create the demo business. Existing users keep their accounts and get this password.

    Raises InvalidInput("weak_password").
    """
    remove(UNFINISHED)
    members = [_user(EMAIL, "Dora Demo", password)]
    members += [_user(email, name, password) for email, name, _ in TEAM]
    owner = members[0]
    business = businesses.create(
        owner,
        business_name=UNFINISHED,
        industry="Ceramics",
        description="Handmade tableware: a shop in town, courses on Saturdays, and parcels to all of Europe.",
        business_type="retail",
        time_zone=ZONE,
    )
    for member, (email, _, role) in zip(members[1:], TEAM, strict=True):
        invitation, _ = team.invite(business, owner, role=role, email=email)
        team.accept(invitation.pk, member)
    for shortcut, text in QUICK_REPLIES:
        quick_replies.create(business, owner, shortcut=shortcut, text=text)
    senders = members[:3]  # the viewer may not answer
    shop = rows.Shop(business, _number(business, owner, size), senders, pictures.create_all(business))
    until = now().replace(microsecond=0)
    zone = ZoneInfo(ZONE)
    history = History(size.contacts, size.messages, until, zone, len(senders), size.days)
    _write(rows.Rows(shop, history), sorting.define(business, owner), progress)
    aggregates.reset(business)
    businesses.update(business, owner, business_name=NAME)
    return business


def set_password(password: str) -> None:
    """Set the password of all demo users."""
    for user in User.objects.filter(email__in=[EMAIL, *(email for email, _, _ in TEAM)]):
        users.reset_password(user, new=password)


_LARGE = (
    *(Message, ConversationEvent, Conversation, ContactNote, ConsentProof, Suppression, ContactIdentity),
    Contact,
)


def remove(name: str = NAME) -> None:
    """Delete the demo business with all its data; the users keep their accounts."""
    for business in _owned(name):
        bulk.delete_rows(ContactTag.objects.filter(tag__business_profile=business))
        for model in _LARGE:  # row by row takes too long at scale
            table = model._meta.db_table
            with transaction.atomic(), database.cursor() as cursor:
                key = business.pk.hex if database.vendor == "sqlite" else business.pk
                cursor.execute(f"DELETE FROM {table} WHERE business_profile_id = %s", [key])  # noqa: S608
        businesses.delete(business, business.user, typed_name=name)
        purge.business(business.pk)


def _owned(name: str) -> QuerySet[BusinessProfile]:
    return BusinessProfile.objects.filter(user__email=EMAIL, business_name=name, deleted_at=None)


def _user(email: str, full_name: str, password: str) -> User:
    user = User.objects.filter(email=email).first()
    if user is None:
        return users.register(email=email, password=password, full_name=full_name, time_zone=ZONE)
    return users.reset_password(user, new=password)


def _number(business: BusinessProfile, owner: User, size: Size) -> WhatsAppConnection:
    """Create a linked sandbox number, which connects when WhatsFlow runs."""
    connection = numbers.create(business, owner, WhatsAppConnection.Mode.SANDBOX, "Shop")
    phone = connection.sandbox_phone
    phone.linked_secret, phone.push_name = secrets.token_urlsafe(24), NAME
    phone.save(update_fields=["linked_secret", "push_name", "updated_at"])
    WhatsAppConnection.objects.filter(pk=connection.pk).update(
        phone_number=phone.number,
        push_name=NAME,
        session_data=phone.linked_secret,
        status=WhatsAppConnection.Status.CONNECTED,
        desired=WhatsAppConnection.Desired.ONLINE,
        status_changed_at=now(),
        last_connected_at=now(),
        settings={**connection.settings, "auto_scan": True},
    )
    _customers(phone, min(size.contacts, MAX_CUSTOMERS))
    return connection


def _customers(phone: SandboxPhone, count: int) -> None:
    """Create simulated customers for the first contacts, so that these answer."""
    customers = []
    for index in range(count):
        contact = person(index)
        customers.append(
            SandboxCustomer(
                phone=phone,
                name=contact.push_name or contact.name or "Customer",
                number=contact.number or f"+9994{index:08d}1",
                lid=contact.lid or f"89{index:012d}",
                persona=PERSONAS[index % len(PERSONAS)],
                hides_number=contact.number is None,
            )
        )
    SandboxCustomer.objects.bulk_create(customers)


def _write(generator: rows.Rows, tag_ids: list[UUID], progress: Progress) -> None:
    until = generator.history.until
    parts = (
        ("contacts", rows.contacts(), generator.contacts()),
        ("contacts", rows.identities(), generator.identities()),
        ("tags", sorting.contact_tags_table(), sorting.contact_tags(generator.contact_ids, tag_ids, until)),
        (
            "tags",
            sorting.proofs_table(),
            sorting.proofs(generator.shop.business.pk, generator.contact_ids, until),
        ),
        (
            "tags",
            sorting.suppressions_table(),
            sorting.suppressions(generator.identities(), generator.contact_ids, until),
        ),
        ("conversations", rows.conversations(), generator.conversations()),
        ("conversations", rows.closings(), generator.closings()),
        ("messages", rows.messages(), generator.messages()),
    )
    for name, table, content in parts:
        for written in table.fill(content):
            progress(name, written)
    if database.vendor == "postgresql":
        _vacuum()


def _vacuum() -> None:
    """Bring the tables into the state of a used database: statistics, visibility map, merged search indexes."""
    command = "ANALYZE" if database.in_atomic_block else "VACUUM (ANALYZE)"
    with database.cursor() as cursor:
        cursor.execute(f"{command} contacts, contact_tags, contact_identities, conversations, messages")
