"""Tables in which people search: the column with their terms, its index on both databases, and the conditions on it.

Everything in `search_text` and in a query went through core.db.search_text; nothing here looks at letters.
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
    """The terms of a row, written with it."""

    def pre_save(self, model_instance: Any, add: bool) -> str:
        """Compute them anew: what the row says now is what finds it. (Models of migrations have no methods.)"""
        if isinstance(model_instance, Searched):
            model_instance.search_text = search_text(*model_instance.searched())
        return str(model_instance.search_text)


class SearchedQuerySet(models.QuerySet[Any]):
    """Keeps `search_text` right where rows are changed without `save`. Raw SQL must do so by itself."""

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> int:
        """As Django's, with the terms of what is changed."""
        objs, fields = tuple(objs), list(fields)
        if self.model.SEARCHED.intersection(fields):
            for row in objs:
                row.search_text = search_text(*row.searched())
            fields.append("search_text")
        return super().bulk_update(objs, fields, batch_size)

    def update(self, **values: Any) -> int:
        """As Django's, with the terms of what is changed."""
        if not self.model.SEARCHED.intersection(values):
            return super().update(**values)
        with transaction.atomic():
            keys = list(self.values_list("pk", flat=True))
            count = super().update(**values)
            index(self.model, keys)
        return count

    update.alters_data = True  # type: ignore[attr-defined]


class Searched(models.Model):
    """A table of a business in which people search. SEARCHED: the columns of which `searched` makes its texts."""

    SEARCHED: ClassVar[frozenset[str]]

    search_text = SearchTextField(blank=True, default="", editable=False, help_text="Terms of the search.")
    objects: ClassVar[Any] = SearchedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """As Django's, with the terms of what is changed."""
        if update_fields is not None and self.SEARCHED.intersection(update_fields := set(update_fields)):
            update_fields = {*update_fields, "search_text"}
        super().save(*args, update_fields=update_fields, **options)

    def searched(self) -> Iterable[str]:
        """The texts by which the row is found."""
        raise NotImplementedError


def index(model: type[Searched], keys: Collection[Any]) -> None:
    """Write the terms of these rows anew, after raw SQL changed what they say."""
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
    """Every phrase is in the row's terms; looks at the row, not at the index."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, model: type[Searched], phrases: Sequence[Phrase]) -> None:
        super().__init__()
        self.table, self.phrases = model._meta.db_table, tuple(phrases)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """A condition on a row of the table."""
        return contains_sql(connection.vendor, self.table, self.phrases)


class Found(Contains):
    """Every phrase is in the row's terms, as the index answers it."""

    def __init__(self, model: type[Searched], business_id: Any, phrases: Sequence[Phrase]) -> None:
        super().__init__(model, phrases)
        self.business_id = business_id

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """A condition on a row of the table."""
        if connection.vendor == "sqlite":
            return _matched(self.table, self.phrases)
        query = " & ".join([f"'{self.business_id}'", *map(_tsquery, self.phrases)])
        contained, parameters = contains_sql(
            "postgresql", self.table, self.phrases
        )  # terms in a row; also the cheaper test
        return f"({TERMS.format(table=self.table)} @@ %s::tsquery AND {contained})", (query, *parameters)


def _matched(table: str, phrases: Sequence[Phrase]) -> tuple[str, tuple[Any, ...]]:
    """SQLite: the same."""
    quoted = (phrase.text.replace('"', '""') for phrase in phrases)
    query = " AND ".join(
        f'"{text}"{"*" if phrase.open else ""}' for text, phrase in zip(quoted, phrases, strict=True)
    )
    hits = f"SELECT rowid FROM {table}_fts WHERE {table}_fts MATCH %s"  # noqa: S608 - names of tables
    return f'"{table}"."id" IN (SELECT row_id FROM {table}_fts_map WHERE id IN ({hits}))', (query,)  # noqa: S608


def contains_sql(vendor: str, table: str, phrases: Sequence[Phrase]) -> tuple[str, tuple[Any, ...]]:
    """The condition of `Contains` as SQL, and its parameters; `table` may be an alias."""
    position = "instr" if vendor == "sqlite" else "strpos"
    one = f"{position}(' ' || {table}.search_text || ' ', %s) > 0"
    needles = tuple(f" {phrase.text}{'' if phrase.open else ' '}" for phrase in phrases)
    return " AND ".join([one] * len(phrases)), needles


def _tsquery(phrase: Phrase) -> str:
    terms = ["'" + term.replace("\\", "\\\\").replace("'", "''") + "'" for term in phrase.terms]
    return " & ".join(terms) + (":*" if phrase.open else "")


# -- indexes ---------------------------------------------------------------------------------------

TERMS = (
    "array_to_tsvector(string_to_array("
    "rtrim({table}.business_profile_id::text || ' ' || {table}.search_text), ' '))"
)
"""PostgreSQL: what is indexed. The business is one of the terms: no search walks through other businesses' hits."""

_POSTGRES = ("CREATE INDEX {table}_terms ON {table} USING gin (({terms}))",)
_POSTGRES_BACK = ("DROP INDEX IF EXISTS {table}_terms",)
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
_SQLITE_BACK = (
    "DROP TRIGGER IF EXISTS {table}_fts_delete",
    "DROP TRIGGER IF EXISTS {table}_fts_update",
    "DROP TRIGGER IF EXISTS {table}_fts_insert",
    "DROP TABLE IF EXISTS {table}_fts",
    "DROP TABLE IF EXISTS {table}_fts_map",
)


def create_index(schema_editor: Any, table: str) -> None:
    """For migrations. SQLite drops a table's triggers when Django rebuilds the table: a later migration that alters it
    must drop the index first and create it again.
    """
    _run(schema_editor, table, _SQLITE, _POSTGRES)


def drop_index(schema_editor: Any, table: str) -> None:
    """For migrations."""
    _run(schema_editor, table, _SQLITE_BACK, _POSTGRES_BACK)


def _run(schema_editor: Any, table: str, sqlite: Sequence[str], postgres: Sequence[str]) -> None:
    for statement in sqlite if schema_editor.connection.vendor == "sqlite" else postgres:
        schema_editor.execute(statement.format(table=table, terms=TERMS.format(table=table)))
