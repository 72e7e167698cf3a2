"""Removing everything that a deleted business owned, in small transactions so that nobody else has to wait.

Walks Django's own cascades: whatever table points at the business, directly or through others, is emptied of its rows,
the outermost first. A table added tomorrow is covered without being named here.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import structlog
from django.db import IntegrityError, models, transaction

from accounts import ports
from accounts.models import BusinessProfile

log = structlog.get_logger(__name__)

CHUNK = 500
"""Rows that one transaction removes."""


def business(business_id: UUID) -> bool:
    """Remove the deleted business, its files and all rows that point at it.

    True when it is gone. False when rows still came in or the storage did not answer: the periodic task tries again.
    """
    target = BusinessProfile.objects.filter(pk=business_id).exclude(deleted_at=None)
    if not target.exists():
        return False
    try:
        ports.remove_files(business_id)
        for queryset in _dependents(BusinessProfile, {"pk": business_id}, ()):
            _empty(queryset)
        ports.remove_files(business_id)  # what a worker wrote until its number's rows were gone
        with transaction.atomic():
            target.delete()
    except (IntegrityError, OSError) as error:
        log.warning("purge_postponed", business_id=str(business_id), reason=type(error).__name__)
        return False
    log.info("business_purged", business_id=str(business_id))
    return True


def _dependents(
    model: type[models.Model], where: dict[str, object], path: tuple[type[models.Model], ...]
) -> Iterator[models.QuerySet[models.Model]]:
    """The rows that would be deleted with those of `model` that match `where`: tables furthest away first."""
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel) or relation.on_delete is not models.CASCADE:
            continue
        if relation.related_model in (*path, model):
            continue
        field = relation.field.name
        nested = {f"{field}__{lookup}": value for lookup, value in where.items()}
        yield from _dependents(relation.related_model, nested, (*path, model))
        yield relation.related_model._base_manager.filter(**nested)


def _empty(queryset: models.QuerySet[models.Model]) -> None:
    """Delete the rows chunk by chunk, each with what still hangs on it."""
    while True:
        with transaction.atomic():
            keys = list(queryset.values_list("pk", flat=True)[:CHUNK])
            if not keys:
                return
            queryset.model._base_manager.filter(pk__in=keys).delete()
