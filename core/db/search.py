"""Full-text search: the column of terms, its index on both databases, and the conditions on it.

`core.db.search_text` normalizes texts and queries to terms.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import BooleanField, Expression

from core.db import bulk
from core.db.search_text import Phrase, search_text

CHUNK = 1000


class SearchTextField(models.TextField):  # type: ignore[type-arg]
    """Search terms of a row, computed on save."""

    def pre_save(self, model_instance: Any, add: bool) -> str:
        """Compute the terms, except in migrations, whose models have no methods."""
        if isinstance(model_instance, Searched):
            model_instance.search_text = search_text(*model_instance.searched())
        return str(model_instance.search_text)


class SearchedQuerySet(models.QuerySet[Any]):
    """Query set that updates `search_text` in bulk updates. Raw SQL has to call `index`."""

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> int:
        """Update the objects, and their terms if a searched column changes."""
        objs, fields = tuple(objs), list(fields)
        if self.model.SEARCHED.intersection(fields):
            for row in objs:
                row.search_text = search_text(*row.searched())
            fields.append("search_text")
        return super().bulk_update(objs, fields, batch_size)

    def update(self, **values: Any) -> int:
        """Update the rows, and their terms if a searched column changes, in one transaction."""
        if not self.model.SEARCHED.intersection(values):
            return super().update(**values)
        with transaction.atomic():
            keys = list(self.values_list("pk", flat=True))
            count = super().update(**values)
            index(self.model, keys)
        return count

    update.alters_data = True  # type: ignore[attr-defined]


class Searched(models.Model):
    """Base of searchable models of a business. SEARCHED: the columns that `searched` depends on."""

    SEARCHED: ClassVar[frozenset[str]]

    search_text = SearchTextField(blank=True, default="", editable=False, help_text="Terms of the search.")
    objects: ClassVar[Any] = SearchedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Save the row, with its terms if `update_fields` has a searched column."""
        if update_fields is not None and self.SEARCHED.intersection(update_fields := set(update_fields)):
            update_fields = {*update_fields, "search_text"}
        super().save(*args, update_fields=update_fields, **options)

    def searched(self) -> Iterable[str]:
        """Return the texts to search in."""
        raise NotImplementedError


def index(model: type[Searched], keys: Collection[Any]) -> None:
    """Recompute the terms of these rows, after raw SQL changed searched columns."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), CHUNK):
        rows = model._base_manager.filter(pk__in=ordered[start : start + CHUNK]).only("pk", *model.SEARCHED)
        bulk.update_each(
            {"key": "uuid", "terms": "text"},
            sorted((bulk.value(row.pk), search_text(*row.searched())) for row in rows),
            f"UPDATE {model._meta.db_table} SET search_text = v.terms "  # noqa: S608 - names of a table
            f"FROM v WHERE {model._meta.db_table}.id = v.key",
        )


# -- conditions ------------------------------------------------------------------------------------


class Contains(Expression):
    """Condition: the row's terms contain every phrase. Reads the row instead of the index."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, model: type[Searched], phrases: Sequence[Phrase]) -> None:
        super().__init__()
        self.table, self.phrases = model._meta.db_table, tuple(phrases)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Compile for the database's string function."""
        return contains_sql(connection.vendor, self.table, self.phrases)


class Found(Contains):
    """Condition: the row's terms contain every phrase, answered from the index."""

    def __init__(self, model: type[Searched], business_id: Any, phrases: Sequence[Phrase]) -> None:
        super().__init__(model, phrases)
        self.business_id = business_id

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Compile to FTS5 on SQLite, else to a tsquery and `Contains`, which checks the order of terms."""
        if connection.vendor == "sqlite":
            return _fts5_sql(self.table, self.phrases)
        query = " & ".join([f"'{self.business_id}'", *map(_tsquery, self.phrases)])
        contained, parameters = contains_sql(
            "postgresql", self.table, self.phrases
        )  # also the cheaper of the two
        return f"({TERMS.format(table=self.table)} @@ %s::tsquery AND {contained})", (query, *parameters)


def _fts5_sql(table: str, phrases: Sequence[Phrase]) -> tuple[str, tuple[Any, ...]]:
    """Build the condition of `Found` for SQLite, and its parameters."""
    quoted = (phrase.text.replace('"', '""') for phrase in phrases)
    query = " AND ".join(
        f'"{text}"{"*" if phrase.open else ""}' for text, phrase in zip(quoted, phrases, strict=True)
    )
    hits = f"SELECT rowid FROM {table}_fts WHERE {table}_fts MATCH %s"  # noqa: S608 - names of tables
    return f'"{table}"."id" IN (SELECT row_id FROM {table}_fts_map WHERE id IN ({hits}))', (query,)  # noqa: S608


def contains_sql(vendor: str, table: str, phrases: Sequence[Phrase]) -> tuple[str, tuple[Any, ...]]:
    """Build the condition of `Contains` and its parameters. table: name or alias."""
    position = "instr" if vendor == "sqlite" else "strpos"
    contains_one = f"{position}(' ' || {table}.search_text || ' ', %s) > 0"
    needles = tuple(f" {phrase.text}{'' if phrase.open else ' '}" for phrase in phrases)
    return " AND ".join([contains_one] * len(phrases)), needles


def _tsquery(phrase: Phrase) -> str:
    terms = ["'" + term.replace("\\", "\\\\").replace("'", "''") + "'" for term in phrase.terms]
    return " & ".join(terms) + (":*" if phrase.open else "")


# -- indexes ---------------------------------------------------------------------------------------

TERMS = (
    "array_to_tsvector(string_to_array("
    "rtrim({table}.business_profile_id::text || ' ' || {table}.search_text), ' '))"
)
"""Indexed expression (PostgreSQL). The business is a term, so that a search skips other businesses' matches."""

_POSTGRES = ("CREATE INDEX {table}_terms ON {table} USING gin (({terms}))",)
_SQLITE = (
    "CREATE TABLE {table}_fts_map (id INTEGER PRIMARY KEY, row_id char(32) NOT NULL UNIQUE)",
    "CREATE VIRTUAL TABLE {table}_fts USING fts5(terms, content='', "
    "tokenize=\"unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'\")",
    "INSERT INTO {table}_fts_map (row_id) SELECT id FROM {table} ORDER BY created_at",
    "INSERT INTO {table}_fts (rowid, terms) "
    "SELECT k.id, t.search_text FROM {table}_fts_map k JOIN {table} t ON t.id = k.row_id",
    """
    CREATE TRIGGER {table}_fts_insert AFTER INSERT ON {table} BEGIN
        INSERT INTO {table}_fts_map (row_id) VALUES (new.id);
        INSERT INTO {table}_fts (rowid, terms)
            SELECT id, new.search_text FROM {table}_fts_map WHERE row_id = new.id;
    END
    """,
    """
    CREATE TRIGGER {table}_fts_update AFTER UPDATE OF search_text ON {table}
    WHEN old.search_text IS NOT new.search_text BEGIN
        INSERT INTO {table}_fts ({table}_fts, rowid, terms)
            SELECT 'delete', id, old.search_text FROM {table}_fts_map WHERE row_id = old.id;
        INSERT INTO {table}_fts (rowid, terms)
            SELECT id, new.search_text FROM {table}_fts_map WHERE row_id = old.id;
    END
    """,
    """
    CREATE TRIGGER {table}_fts_delete AFTER DELETE ON {table} BEGIN
        INSERT INTO {table}_fts ({table}_fts, rowid, terms)
            SELECT 'delete', id, old.search_text FROM {table}_fts_map WHERE row_id = old.id;
        DELETE FROM {table}_fts_map WHERE row_id = old.id;
    END
    """,
)


def create_index(schema_editor: Any, table: str) -> None:
    """Create the search index of a table, in a migration.

    On SQLite, Django drops the triggers when it rebuilds a table: a migration that alters it has to drop the tables and
    triggers below first and create the index again.
    """
    for statement in _SQLITE if schema_editor.connection.vendor == "sqlite" else _POSTGRES:
        schema_editor.execute(statement.format(table=table, terms=TERMS.format(table=table)))
