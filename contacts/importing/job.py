"""The job "contacts.import": read rows, write contacts, chunk by chunk.

Each chunk is one transaction with its rejects and its position in the file, so a worker that takes the job over resumes
after the last chunk. It reads the earlier rows again, but only to know which numbers they had.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from django.db import IntegrityError, connection, transaction

from contacts.events import ContactsImported
from contacts.importing import storage
from contacts.importing.files import open_table
from contacts.importing.limits import MAX_ROWS, too_many_rows
from contacts.importing.people import Person, Reject, RowReader
from contacts.importing.tables import Options, Row, Table
from contacts.importing.writer import Counts, Writer
from contacts.models import ContactImport, CustomField, ImportRejects
from core import failpoints
from core.events import publish
from core.files import spreadsheets
from jobs.context import Work
from jobs.models import Job

KIND = "contacts.import"
WORDS = {
    "created": "New contacts",
    "updated": "Updated",
    "unchanged": "Already there, unchanged",
    "opted_out": "Want no campaigns",
    "rejected": "Could not be taken in",
}
TRIES = 5
"""Attempts of a chunk that conflicts with contacts created at the same time."""
REJECTS_KEPT = 100_000
"""Most rejects in the file for the user."""


def chunk_size() -> int:
    """Return the rows of one transaction. On SQLite it blocks all other writers."""
    return 5_000 if connection.vendor == "postgresql" else 1_000


def run(work: Work) -> dict[str, Any]:
    """Job handler: import the file of `params["import"]`."""
    source = ContactImport.objects.get(pk=work.params["import"], business_profile=work.business)
    with storage.opened(source) as file:
        options = Options(source.encoding, source.delimiter, source.has_header, work.business.pk)
        table = open_table(file, options)
        return _Import(work, source, table).run()


class _Import:
    def __init__(self, work: Work, source: ContactImport, table: Table) -> None:
        self.work = work
        self.table = table
        fields = list(CustomField.objects.filter(business_profile=work.business))
        self.reader = RowReader(
            table.columns, source.mapping, fields, source.country, full_numbers=bool(source.full_numbers)
        )
        self.writer = Writer(work.business, work.actor, source)
        self.rows_done: int = work.state.get("rows", 0)
        self.counts = Counts(**work.state.get("counts", {}))
        self.rejected: int = work.state.get("rejected", 0)
        self.resumed: list[int] = work.state.get("resumed", [])
        """Numbers of rows after which other workers resumed."""
        if self.rows_done and self.rows_done not in self.resumed:
            self.resumed = [*self.resumed, self.rows_done]
        self.lines: dict[int, int] = {}
        """The row in which each number, as an integer, was first."""

    def run(self) -> dict[str, Any]:
        rows = self.table.rows()
        self._read_imported(islice(rows, self.rows_done))
        size = chunk_size()
        while not self.work.cancelled():
            chunk = list(islice(rows, size))
            if not chunk:
                break
            self._import_chunk(chunk)
            failpoints.reach("import.chunk")
        return self._finish()

    def _read_imported(self, rows: Iterable[Row]) -> None:
        """Read the rows that an earlier worker has imported."""
        for number, row in enumerate(rows):
            self._read(*row)
            if number % 10_000 == 0:
                self.work.cancelled()  # only for its exceptions

    def _read(self, line: int, cells: list[str]) -> Person | Reject:
        result = self.reader.read(line, cells)
        if isinstance(result, Person):
            first = self.lines.setdefault(int(result.canonical[1:]), line)
            if first != line:
                return Reject(line, f"The number of this row is already in row {first}.", cells)
        return result

    def _import_chunk(self, chunk: list[Row]) -> None:
        read = [self._read(*row) for row in chunk]
        people = [found for found in read if isinstance(found, Person)]
        rejects = [found for found in read if isinstance(found, Reject)]
        if self.rows_done + len(chunk) > MAX_ROWS:
            raise too_many_rows()
        for attempt in range(TRIES):
            try:
                self._write_chunk(chunk, people, rejects)
            except IntegrityError:
                self.writer.forget()
                if attempt == TRIES - 1:
                    raise
            else:
                break

    def _write_chunk(self, chunk: list[Row], people: list[Person], rejects: list[Reject]) -> None:
        with transaction.atomic():
            written = self.writer.write(people)
            if rejects:
                rows = [[reject.line, reject.reason, list(reject.cells)] for reject in rejects]
                ImportRejects.objects.create(job=self.work.job, first_row=self.rows_done, rows=rows)
            if written.created or written.updated:
                publish(
                    ContactsImported(
                        business_id=self.work.business.pk,
                        job_id=self.work.job_id,
                        created=written.created,
                        updated=written.updated,
                    )
                )
            total = Counts(**asdict(self.counts))
            total.add(written)
            done, rejected = self.rows_done + len(chunk), self.rejected + len(rejects)
            state = {"rows": done, "counts": asdict(total), "rejected": rejected, "resumed": self.resumed}
            self.work.save(done=done, total=max(done, self.work.job.total or 0), state=state)
        self.counts, self.rows_done, self.rejected = total, done, rejected

    def _finish(self) -> dict[str, Any]:
        if self.rejected:
            self._write_rejects()
        if not self.work.was_cancelled:
            self.work.save(done=self.rows_done, total=self.rows_done, state=self.work.state)
        return {**asdict(self.counts), "rejected": self.rejected, "notes": self._notes()}

    def _notes(self) -> list[str]:
        notes = [
            f"The work was interrupted after {rows:,} rows and went on from there. Nothing is missing, and nothing is "
            "there twice."
            for rows in self.resumed
        ]
        if self.work.was_cancelled:
            notes.append(
                f"Stopped after {self.rows_done:,} rows. What they brought stays. Import the same file again to go on: "
                "whoever is there already is recognised."
            )
        if self.rejected:
            notes.append("The file below holds the rows that could not be taken in, each with its reason.")
        return notes

    def _write_rejects(self) -> None:
        name = f"rejects-{self.work.job.created_at:%Y-%m-%d}.csv"
        with self.work.result(name, spreadsheets.CSV_TYPE) as out:
            writer = spreadsheets.CsvWriter(out, ["Row", "Reason", *self.table.columns])
            for line, reason, cells in islice(self._rejects(), REJECTS_KEPT):
                writer.write([line, reason, *cells])
            writer.close()

    def _rejects(self) -> Iterator[list[Any]]:
        chunks = ImportRejects.objects.filter(job=self.work.job).order_by("first_row")
        for chunk in chunks.iterator(chunk_size=20):
            yield from chunk.rows


def ended(job: Job) -> None:
    """Delete the uploaded file and the collected rejects of a finished job."""
    for source in ContactImport.objects.filter(job=job):
        storage.remove(source)
    ImportRejects.objects.filter(job=job).delete()
