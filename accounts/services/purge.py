"""Remove a deleted business with all its rows and files, in small transactions.

It follows Django's cascades: the rows of all tables that reference the business, directly or indirectly, are deleted,
the outermost first. New tables are covered without being named here.
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
"""Rows deleted per transaction."""


def business(business_id: UUID) -> bool:
    """Remove the deleted business, its files and all rows that reference it.

    Returns whether it is gone. It is not if rows were still inserted or the storage failed; the periodic task retries.
    """
    target = BusinessProfile.objects.filter(pk=business_id).exclude(deleted_at=None)
    if not target.exists():
        return False
    try:
        ports.remove_files(business_id)
        for queryset in _dependents(BusinessProfile, {"pk": business_id}, ()):
            _delete_rows(queryset)
        ports.remove_files(business_id)  # again: a worker may have written files until the rows were gone
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
    """Yield the rows that cascade from those of `model` that match `where`, outermost tables first."""
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel) or relation.on_delete is not models.CASCADE:
            continue
        if relation.related_model in (*path, model):
            continue
        field = relation.field.name
        nested = {f"{field}__{lookup}": value for lookup, value in where.items()}
        yield from _dependents(relation.related_model, nested, (*path, model))
        yield relation.related_model._base_manager.filter(**nested)


def _delete_rows(queryset: models.QuerySet[models.Model]) -> None:
    """Delete the rows in chunks, each with its remaining dependents."""
    while True:
        with transaction.atomic():
            keys = list(queryset.values_list("pk", flat=True)[:CHUNK])
            if not keys:
                return
            queryset.model._base_manager.filter(pk__in=keys).delete()
