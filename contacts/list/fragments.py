"""Render the rows of the list as HTML.

Fifty rows are rendered for every typed letter, so rows are cached.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.template.loader import render_to_string
from django.urls import reverse
from markupsafe import Markup

from contacts.list.columns import Cell, Row
from core.web import jinja
from core.web.templatetags import whatsflow as shell

KEPT = 2048
"""Rows whose HTML a process caches: about a kilobyte each."""


class _Cell(NamedTuple):
    """Arguments of the macro for a cell.

    value: text, or the HTML of tags, a time, a state or nothing.
    """

    kind: str
    label: str
    value: Any


@cache
def _macros() -> Any:
    return jinja.macros("contacts/fragments/macros.jinja")


@cache
def _base() -> str:
    return reverse("contacts:list")


def rows(items: Iterable[Row], *, can_edit: bool) -> Markup:
    """Render the rows, with checkboxes for members who may edit."""
    return Markup("").join([_row(item, can_edit) for item in items])


def _row(item: Row, can_edit: bool) -> Markup:
    contact = item.contact
    cells = tuple([_cell(cell) for cell in item.cells])
    return _drawn(
        str(contact.pk), contact.display_name, shell.avatar(contact, "sm"), cells, can_edit, _base()
    )


@lru_cache(maxsize=KEPT)
def _drawn(key: str, name: str, avatar: Any, cells: tuple[_Cell, ...], can_edit: bool, base: str) -> Markup:
    """Render a row. LRU-cached; the key is every value that it renders."""
    drawn: Markup = _macros().row(key, name, avatar, cells, can_edit, f"{base}{key}/")
    return drawn


def _cell(cell: Cell) -> _Cell:
    column, value = cell.column, cell.value
    if column.kind == "tags":
        value = "".join([_tag(tag.name, tag.color) for tag in value])
    elif column.kind == "time":
        value = str(shell.local_time(value, "relative"))
    elif column.kind == "flag":
        value = _state(value)
    elif column.kind != "number":
        value = str(value)
    return _Cell("country" if column.key == "country" else column.kind, column.label, value)


@lru_cache(maxsize=1024)
def _tag(name: str, color: str) -> str:
    return render_to_string("contacts/_tag.html", {"tag": {"name": name, "color": color}}).strip()


@cache
def _state(state: str) -> str:
    return render_to_string("contacts/_state.html", {"state": state}).strip()
