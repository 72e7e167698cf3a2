"""What contacts are searched in and sorted by, as SQL: the indexes of migrations and the queries must agree on it."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, CharField, Expression, F, Func, TextField


class SortName(Func):
    """What to call a contact, without regard to capitals: the order of the list by name."""

    template = "LOWER(COALESCE(NULLIF(%(name)s, ''), NULLIF(%(push_name)s, ''), %(phone)s, ''))"
    output_field = CharField()

    def __init__(self) -> None:
        super().__init__(F("name"), F("push_name"), F("phone_number"))

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """For migrations: it takes nothing."""
        return "contacts.expressions.SortName", (), {}

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:  # type: ignore[override]
        name, push_name, phone = (compiler.compile(part)[0] for part in self.source_expressions)
        return self.template % {"name": name, "push_name": push_name, "phone": phone}, ()


SEARCHED = (
    "({0}name || ' ' || {0}push_name || ' ' || COALESCE({0}phone_number, '') || ' ' || {0}email || ' ' || "
    "(jsonb_path_query_array({0}metadata, '$.*'))::text)"
)
"""PostgreSQL: the text of a contact in which is searched; {0}: the table's name and a dot, or nothing."""


class SearchText(Expression):
    """PostgreSQL: name, own name, number, e-mail address and values of custom fields in one text, as it is indexed."""

    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """The expression of the index contacts_search."""
        return SEARCHED.format('"contacts".'), ()


class TrigramHit(Expression):
    """SQLite: whether the contact is among the hits of its full-text index for a query of FTS5."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, query: str) -> None:
        super().__init__()
        self.query = query

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """A condition on a row of contacts."""
        return (
            '"contacts"."id" IN (SELECT contact_id FROM contacts_fts_map '
            "WHERE id IN (SELECT rowid FROM contacts_fts WHERE contacts_fts MATCH %s))"
        ), (self.query,)


class IndexedText(Expression):
    """SQLite: the text that the full-text index has of a contact."""

    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """A value of a row of contacts."""
        return (
            "(SELECT body FROM contacts_fts JOIN contacts_fts_map m ON m.id = contacts_fts.rowid "
            'WHERE m.contact_id = "contacts"."id")'
        ), ()
