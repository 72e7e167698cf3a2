"""Imports: upload a file, map its columns, preview it, start the job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import IO
from uuid import UUID

from django.db import transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts.importing import columns as column_targets
from contacts.importing import job as importing
from contacts.importing import storage
from contacts.importing.csv_reader import DELIMITERS
from contacts.importing.files import count_rows, open_table
from contacts.importing.people import Person, Reject, RowReader
from contacts.importing.tables import Options, Table
from contacts.importing.text import CHOICES, MARKS
from contacts.models import ContactImport, CustomField
from contacts.services import fields as custom_fields
from core.clock import now
from core.errors import Conflict, InvalidInput, NotFound
from core.phone import phone
from core.phone.fast_parser import is_written_in_full
from core.text import printable
from jobs import services as jobs
from jobs.models import Job

PREVIEW_ROWS = 20
SAMPLE_ROWS = 200
UNSTARTED_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Preview:
    """The first rows as they would be imported: a person or a reject of each."""

    rows: list[Person | Reject]
    usable: int
    formulas: bool


def get(business: BusinessProfile, import_id: UUID) -> ContactImport:
    """Return an import. Raises NotFound."""
    source = (
        ContactImport.objects.filter(business_profile=business, pk=import_id).select_related("job").first()
    )
    if source is None:
        raise NotFound("This import")
    return source


def upload(business: BusinessProfile, actor: User, file: IO[bytes], name: str) -> ContactImport:
    """Store a file for a day and detect its format. Raises Unreadable."""
    table = open_table(file, Options(owner=business.pk))
    source = ContactImport(
        business_profile=business,
        created_by=actor,
        file_name=printable(name)[-255:] or "contacts",
        size=file.seek(0, 2),
        country=business.default_country,
    )
    _describe(source, table)
    storage.keep(source, file)
    try:
        with transaction.atomic():
            source.save(force_insert=True)
            audit.record(business, actor, "import.uploaded", source)
    except BaseException:
        storage.remove(source)
        raise
    return source


def _describe(source: ContactImport, table: Table) -> None:
    """Set the detected properties of the file, and a guessed mapping."""
    source.format, source.encoding, source.delimiter = table.format, table.encoding, table.delimiter
    source.has_header, source.columns, source.notes = table.header, table.columns, table.notes
    source.rows = max(count_rows(table) - int(table.header and table.format == "xlsx"), 0)
    source.origin = column_targets.origin_of(table.columns)
    sample = [cells for _, cells in islice(table.rows(), SAMPLE_ROWS)]
    source.mapping = column_targets.guess(table.columns, sample, _fields(source.business_profile))
    source.full_numbers = _full_numbers(source.mapping, sample)


def _numbers_of(mapping: Sequence[str]) -> list[int]:
    """Return the indexes of the columns that hold phone numbers."""
    return [place for place, target in enumerate(mapping) if target == "phone"]


def _full_numbers(mapping: Sequence[str], sample: Sequence[Sequence[str]]) -> bool | None:
    """Return True if the numbers only lack their +, else None."""
    cells = (row[place] for row in sample for place in _numbers_of(mapping) if place < len(row))
    return True if is_written_in_full(cells) else None


def reread(
    business: BusinessProfile, import_id: UUID, *, encoding: str, delimiter: str, has_header: bool
) -> ContactImport:
    """Parse the file with other options, and guess the mapping again.

    Raises InvalidInput and Unreadable.
    """
    source = _unstarted(business, import_id)
    known = {*CHOICES, *(name for _, name in MARKS), source.encoding}
    if encoding not in known or (delimiter and delimiter not in DELIMITERS and delimiter != source.delimiter):
        raise InvalidInput("invalid_option", "Choose one of the list.", field="encoding")
    with storage.opened(source) as file:
        _describe(source, open_table(file, Options(encoding, delimiter, has_header, business.pk)))
    source.save()
    return source


def configure(
    business: BusinessProfile,
    import_id: UUID,
    *,
    mapping: Sequence[str],
    country: str,
    duplicates: str,
    tag: str,
    full_numbers: bool | None = None,
) -> ContactImport:
    """Save the mapping and the options.

    full_numbers: whether numbers without + are complete; None: as detected. Raises InvalidInput.
    """
    source = _unstarted(business, import_id)
    checked = column_targets.check(mapping, source.columns, _fields(business))
    if _numbers_of(checked) != _numbers_of(source.mapping):
        source.full_numbers = _full_numbers(checked, examples(source, SAMPLE_ROWS))
    if source.full_numbers is not None and full_numbers is not None:
        source.full_numbers = full_numbers
    source.mapping = checked
    source.country = phone.known_country(country, field="country")
    if duplicates not in ContactImport.Duplicates.values:
        raise InvalidInput(
            "invalid_option", "Say what happens to people you already have.", field="duplicates"
        )
    source.duplicates = duplicates
    source.tag = printable(tag)
    if len(source.tag) > 100:
        raise InvalidInput("invalid_name", "A tag has at most 100 characters.", field="tag")
    source.save()
    return source


def preview(source: ContactImport) -> Preview:
    """Return the first rows by the present mapping. Raises Unreadable."""
    fields = _fields(source.business_profile)
    with storage.opened(source) as file:
        table = open_table(file, _options(source))
        reader = RowReader(
            table.columns, source.mapping, fields, source.country, full_numbers=bool(source.full_numbers)
        )
        first = list(islice(table.rows(), PREVIEW_ROWS))
    rows = [reader.read(*row) for row in first]
    formulas = any(cell.startswith(("=", "@")) for _, cells in first for cell in cells)
    return Preview(rows, sum(isinstance(row, Person) for row in rows), formulas)


def _options(source: ContactImport) -> Options:
    return Options(source.encoding, source.delimiter, source.has_header, source.business_profile_id)


def examples(source: ContactImport, rows: int = PREVIEW_ROWS) -> list[list[str]]:
    """Return the cells of the first rows. Raises Unreadable."""
    with storage.opened(source) as file:
        table = open_table(file, _options(source))
        return [cells for _, cells in islice(table.rows(), rows)]


def start(business: BusinessProfile, actor: User, import_id: UUID) -> ContactImport:
    """Start the import job, and create the custom fields that the mapping asks for.

    Raises InvalidInput, Conflict.
    """
    with transaction.atomic():
        source = _unstarted(business, import_id, lock=True)
        fields = _fields(business)
        column_targets.check(source.mapping, source.columns, fields)
        source.mapping = [
            _with_field(business, actor, target, name)
            for target, name in zip(source.mapping, source.columns, strict=True)
        ]
        source.job = jobs.start(
            business,
            actor,
            importing.KIND,
            {"import": str(source.pk)},
            source.rows,
            title=f"Import of {source.file_name}",
        )
        source.began_at = now()
        source.save()
    return source


def _with_field(business: BusinessProfile, actor: User, target: str, name: str) -> str:
    if not target.startswith("new:"):
        return target
    field = custom_fields.create(business, actor, label=name, kind=target.removeprefix("new:"))
    return f"field:{field.key}"


def upload_and_start(
    business: BusinessProfile,
    actor: User,
    file: IO[bytes],
    name: str,
    *,
    mapping: str | None = None,
    country: str = "",
    duplicates: str = "update",
    tag: str = "",
    full_numbers: bool | None = None,
) -> Job:
    """Upload and start in one step.

    mapping: JSON list of targets, one a column; None: as guessed. full_numbers: as in `configure`. Raises Unreadable,
    InvalidInput; then the file is deleted.
    """
    source = upload(business, actor, file, name)
    try:
        targets = source.mapping if mapping is None else _targets(mapping)
        configure(
            business,
            source.pk,
            mapping=targets,
            country=country or source.country,
            duplicates=duplicates,
            tag=tag,
            full_numbers=full_numbers,
        )
        started = start(business, actor, source.pk)
    except InvalidInput:
        discard(business, actor, source.pk)
        raise
    assert started.job is not None, "start gives it one"
    return started.job


def _targets(text: str) -> list[str]:
    try:
        targets = json.loads(text)
    except (ValueError, RecursionError):
        targets = None
    if not isinstance(targets, list) or not all(isinstance(one, str) for one in targets):
        raise InvalidInput("invalid_mapping", "Send a JSON list of texts, one a column.", field="mapping")
    return targets


def discard(business: BusinessProfile, actor: User, import_id: UUID) -> None:
    """Delete an import that was not started, with its file."""
    source = _unstarted(business, import_id)
    storage.remove(source)
    with transaction.atomic():
        audit.record(business, actor, "import.discarded", source)
        source.delete()


def prune() -> None:
    """Delete files that were not imported within a day, and those of finished jobs."""
    old = ContactImport.objects.filter(job=None, created_at__lt=now() - UNSTARTED_KEPT).exclude(file="")
    for source in old[:200]:
        storage.remove(source)
        source.delete()
    for source in ContactImport.objects.filter(job__finished_at__isnull=False).exclude(file="")[:200]:
        storage.remove(source)


def _unstarted(business: BusinessProfile, import_id: UUID, *, lock: bool = False) -> ContactImport:
    rows = ContactImport.objects.filter(business_profile=business)
    source = (rows.select_for_update(of=("self",)) if lock else rows).filter(pk=import_id).first()
    if source is None:
        raise NotFound("This import")
    if source.job_id is not None:
        raise Conflict("already_started", "This import has been started already.")
    return source


def _fields(business: BusinessProfile) -> list[CustomField]:
    return list(CustomField.objects.filter(business_profile=business).order_by("position", "id"))
