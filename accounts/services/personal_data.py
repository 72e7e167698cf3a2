"""Export of personal data: a row and all rows that depend on it, as JSON lines in a ZIP archive.

It follows Django's relations like `purge`, so that new tables are covered without being named here. Secrets (encrypted
columns, hashes of passwords and tokens) are left out.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.fields.files import FieldFile

from core.security.crypto import EncryptedTextField

CHUNK = 1000
HIDDEN = frozenset(
    {
        "password",
        "search_text",
        "code_hash",
        "key_hash",
        "token_hash",
        "refresh_id",
        "lease_owner",
        "linked_secret",
        "qr_secret",
        "pairing_code",
        "totp_secret",
    }
)
"""Columns that hold secrets or technical state."""
EXCLUDED_TABLES = frozenset({"idempotency_records", "event_sequences", "sandbox_events", "stats_numbers"})
"""Tables that hold technical state only."""
CONTENT_TYPE = "application/zip"
_encode = DjangoJSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def tables_of(row: models.Model) -> dict[str, QuerySet[Any]]:
    """Return query sets of the row and of all rows that reference it, directly or indirectly, by table."""
    conditions: dict[type[models.Model], Q] = {type(row): Q(pk=row.pk)}
    for model, condition in _references(type(row), {"pk": row.pk}, ()):
        conditions[model] = conditions[model] | condition if model in conditions else condition
    return {
        model._meta.db_table: model._base_manager.filter(condition).order_by("pk")
        for model, condition in conditions.items()
        if model._meta.db_table not in EXCLUDED_TABLES
    }


def _references(
    model: type[models.Model], where: dict[str, object], path: tuple[type[models.Model], ...]
) -> Iterator[tuple[type[models.Model], Q]]:
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel) or relation.related_model in (*path, model):
            continue
        nested = {f"{relation.field.name}__{lookup}": value for lookup, value in where.items()}
        yield relation.related_model, Q(**nested)
        if relation.on_delete is models.CASCADE:
            yield from _references(relation.related_model, nested, (*path, model))


def row_data(row: models.Model) -> dict[str, Any]:
    """Return the row's values by column, without secrets and HIDDEN columns."""
    return {
        field.attname: _json(field.value_from_object(row))
        for field in row._meta.concrete_fields
        if field.name not in HIDDEN and not isinstance(field, EncryptedTextField)
    }


def _json(value: Any) -> Any:
    return value.name if isinstance(value, FieldFile) else value


class Archive:
    """Writer of a ZIP archive, file by file."""

    def __init__(self, out: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def rows(self, name: str, rows: Iterable[dict[str, Any]], each: Callable[[], None] = lambda: None) -> int:
        """Add a file of JSON lines, unless `rows` is empty. Returns the number of rows.

        each: called after every CHUNK of rows.
        """
        count = 0
        lines = iter(rows)
        first = next(lines, None)
        if first is None:
            return 0
        with self._zip.open(f"{name}.jsonl", "w", force_zip64=True) as file:
            text = io.TextIOWrapper(file, "utf-8", write_through=False)
            for count, line in enumerate(_with_first(first, lines), start=1):
                text.write(_encode(line) + "\n")
                if count % CHUNK == 0:
                    each()
            text.flush()
            text.detach()
        return count

    def file(self, name: str, content: IO[bytes]) -> None:
        """Copy a file into the archive."""
        with self._zip.open(name, "w", force_zip64=True) as file:
            while piece := content.read(1024 * 1024):
                file.write(piece)


def _with_first(first: dict[str, Any], others: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield first
    yield from others


def write_tables(archive: Archive, row: models.Model, each: Callable[[], None] = lambda: None) -> int:
    """Write a file per table of `tables_of(row)`. Returns the number of rows."""
    return sum(
        archive.rows(name, (row_data(dependent) for dependent in rows.iterator(CHUNK)), each)
        for name, rows in tables_of(row).items()
    )
