"""Handing out what is stored about somebody: every table that hangs on a row, as JSON lines in a ZIP archive.

Walks Django's relations like `purge` does, so that a table added tomorrow is covered without being named here. Secrets
(encrypted columns, hashes of passwords and tokens) are left out: they say nothing about anybody.
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
"""Columns that are secrets, or nothing but machinery."""
LEFT_OUT = frozenset({"idempotency_records", "event_sequences", "sandbox_events", "stats_numbers"})
"""Tables that keep no data of people or businesses: machinery."""
CONTENT_TYPE = "application/zip"
_encode = DjangoJSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def tables_of(row: models.Model) -> dict[str, QuerySet[Any]]:
    """The row and all rows that point at it, directly or through others, by table."""
    found: dict[type[models.Model], Q] = {type(row): Q(pk=row.pk)}
    for model, condition in _pointing_at(type(row), {"pk": row.pk}, ()):
        found[model] = found[model] | condition if model in found else condition
    return {
        model._meta.db_table: model._base_manager.filter(condition).order_by("pk")
        for model, condition in found.items()
        if model._meta.db_table not in LEFT_OUT
    }


def _pointing_at(
    model: type[models.Model], where: dict[str, object], path: tuple[type[models.Model], ...]
) -> Iterator[tuple[type[models.Model], Q]]:
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel) or relation.related_model in (*path, model):
            continue
        nested = {f"{relation.field.name}__{lookup}": value for lookup, value in where.items()}
        yield relation.related_model, Q(**nested)
        if relation.on_delete is models.CASCADE:
            yield from _pointing_at(relation.related_model, nested, (*path, model))


def plain(row: models.Model) -> dict[str, Any]:
    """The row's columns that may be shown, by name."""
    return {
        field.attname: _json(field.value_from_object(row))
        for field in row._meta.concrete_fields
        if field.name not in HIDDEN and not isinstance(field, EncryptedTextField)
    }


def _json(value: Any) -> Any:
    return value.name if isinstance(value, FieldFile) else value


class Archive:
    """A ZIP archive that is written as it is read, file by file."""

    def __init__(self, out: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def rows(self, name: str, rows: Iterable[dict[str, Any]], each: Callable[[], None] = lambda: None) -> int:
        """Add a file of JSON lines; none for no rows. `each` is called after every CHUNK of them. Returns how many."""
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
        """Add a file as it is."""
        with self._zip.open(name, "w", force_zip64=True) as file:
            while piece := content.read(1024 * 1024):
                file.write(piece)


def _with_first(first: dict[str, Any], others: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield first
    yield from others


def write_tables(archive: Archive, row: models.Model, each: Callable[[], None] = lambda: None) -> int:
    """Every table that hangs on `row`, a file each. Returns how many rows."""
    return sum(
        archive.rows(name, (plain(one) for one in rows.iterator(CHUNK)), each)
        for name, rows in tables_of(row).items()
    )
