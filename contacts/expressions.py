"""SQL expressions of contacts, shared by queries and the indexes of migrations."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, F, Func


class SortName(Func):
    """The sort key of the list by name.

    The name, or push name, or number of a contact in lower case.
    """

    template = "LOWER(COALESCE(NULLIF(%(name)s, ''), NULLIF(%(push_name)s, ''), %(phone)s, ''))"
    output_field = CharField()

    def __init__(self) -> None:
        super().__init__(F("name"), F("push_name"), F("phone_number"))

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        return "contacts.expressions.SortName", (), {}

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:  # type: ignore[override]
        name, push_name, phone = (compiler.compile(part)[0] for part in self.source_expressions)
        return self.template % {"name": name, "push_name": push_name, "phone": phone}, ()
