"""Create, change, reorder and delete custom fields."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts.models import FIELD_KEY, CustomField
from core.errors import Conflict, InvalidInput, NotFound
from core.text import printable

MAX_FIELDS = 50
"""Most custom fields of a business."""
MAX_CHOICES = 100
LABEL_LENGTH = 100
RESERVED = frozenset({"name", "phone", "phone_number", "email", "country", "tags", "id"})
"""Keys that columns of files and variables of messages use already."""


def create(
    business: BusinessProfile,
    actor: User | None,
    *,
    label: str,
    kind: str = CustomField.Kind.TEXT,
    key: str = "",
    choices: Sequence[str] = (),
) -> CustomField:
    """Create a field at the end of the list.

    Without a key, one is derived from the label. Raises InvalidInput, Conflict("field_exists").
    """
    label, choices = _label(label), _choices(kind, choices)
    existing = CustomField.objects.filter(business_profile=business)
    count = existing.count()
    if count >= MAX_FIELDS:
        raise Conflict("too_many_fields", f"A business has at most {MAX_FIELDS} custom fields.")
    field = CustomField(
        business_profile=business,
        key=_key(key or key_of(label)),
        label=label,
        kind=kind,
        choices=choices,
        position=count,
    )
    try:
        with transaction.atomic():
            field.save()
            audit.record(business, actor, "field.created", field)
    except IntegrityError:
        raise Conflict(
            "field_exists", f"There is a field with the key {field.key} already.", field="label"
        ) from None
    return field


def update(
    business: BusinessProfile, field_id: UUID, actor: User | None, *, label: str, choices: Sequence[str] = ()
) -> CustomField:
    """Rename a field, or change its choices.

    Kind and key stay, because values and templates depend on them.
    """
    with transaction.atomic():
        field = get(business, field_id)
        field.label, field.choices = _label(label), _choices(field.kind, choices)
        field.save(update_fields=["label", "choices", "updated_at"])
        audit.record(business, actor, "field.updated", field)
    return field


def move(business: BusinessProfile, field_id: UUID, actor: User | None, *, up: bool) -> None:
    """Swap a field with its neighbour. Raises NotFound."""
    with transaction.atomic():
        rows = list(CustomField.objects.filter(business_profile=business).order_by("position", "id"))
        index = next((position for position, row in enumerate(rows) if row.pk == field_id), None)
        if index is None:
            raise NotFound("This field")
        target = index - 1 if up else index + 1
        if 0 <= target < len(rows):
            rows[index], rows[target] = rows[target], rows[index]
        for position, row in enumerate(rows):
            row.position = position
        CustomField.objects.bulk_update(rows, ["position"])


def delete(business: BusinessProfile, field_id: UUID, actor: User | None) -> None:
    """Delete the definition.

    Values stay on the contacts, hidden; a new field with the same key shows them again.
    """
    with transaction.atomic():
        field = get(business, field_id)
        audit.record(business, actor, "field.deleted", field, key=field.key)
        field.delete()


def get(business: BusinessProfile, field_id: UUID) -> CustomField:
    """Return a field. Raises NotFound."""
    field = CustomField.objects.filter(business_profile=business, pk=field_id).first()
    if field is None:
        raise NotFound("This field")
    return field


def key_of(label: str) -> str:
    """Derive a key from a label: "grosse_cm" from "Größe (cm)"."""
    short = label[:LABEL_LENGTH].replace("ß", "ss")
    plain = unicodedata.normalize("NFKD", short).encode("ascii", "ignore").decode().lower()
    key = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40].strip("_")
    return key if key and key[0].isalpha() else f"field_{key}".strip("_")[:40]


def _key(key: str) -> str:
    try:
        FIELD_KEY(key)
    except ValidationError as error:
        raise InvalidInput("invalid_key", str(error.message), field="key") from None
    if key in RESERVED or len(key) > 40:
        raise InvalidInput(
            "invalid_key", f"{key} cannot be a field's key: choose another name.", field="label"
        )
    return key


def _label(label: str) -> str:
    cleaned = printable(label)
    if not cleaned or len(cleaned) > LABEL_LENGTH:
        raise InvalidInput("invalid_label", "A field has a name of 1 to 100 characters.", field="label")
    return cleaned


def _choices(kind: str, choices: Sequence[str]) -> list[str]:
    if kind not in CustomField.Kind.values:
        raise InvalidInput(
            "invalid_kind", f"A field is one of {', '.join(CustomField.Kind.values)}.", field="kind"
        )
    if kind != CustomField.Kind.CHOICE:
        return []
    cleaned = list(dict.fromkeys(filter(None, (printable(choice)[:100] for choice in choices))))
    if not cleaned or len(cleaned) > MAX_CHOICES:
        raise InvalidInput(
            "invalid_choices", f"A choice has 1 to {MAX_CHOICES} values, one a line.", field="choices"
        )
    return cleaned
