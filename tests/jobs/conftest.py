"""A kind of job for tests: counts in chunks, and does what the parameters ask for on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, transaction

from core.errors import InvalidInput
from jobs import registry
from jobs.context import Interrupted, Work
from jobs.models import Job

CHUNK = 10


class Counting:
    """Counts to `to`. `before_chunk(work, done)` is called before each chunk; `ended` collects the jobs that ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.chunks: list[int] = []
        self.undone: list[Any] = []
        self.before_chunk = lambda work, done: None

    def __call__(self, work: Work) -> dict[str, Any]:
        done = work.state.get("done", 0)
        while done < work.params["to"] and not work.cancelled():
            self.before_chunk(work, done)
            with transaction.atomic():
                self.chunks.append(done)
                done += CHUNK
                work.save(done=done, total=work.params["to"], state={"done": done})
        if work.params.get("file"):
            with work.result("numbers.csv", "text/csv") as out:
                out.write(b"1\n2\n")
            work.offer_undo()
        return {"counted": done, "notes": ["Counted well."]}

    def undo(self, work: Work) -> dict[str, Any]:
        self.undone.append(work.undoes.pk)
        return {"counted": 0}

    def end(self, job: Job) -> None:
        self.ended.append(job.state)


@pytest.fixture
def counting() -> Iterator[Counting]:
    kind = Counting()
    registry.register(
        "test.count",
        kind,
        label="Counting",
        words={"counted": "Counted"},
        undo=kind.undo,
        ended=kind.end,
    )
    yield kind
    del registry._kinds["test.count"]


ERRORS = {
    "domain": InvalidInput("too_odd", "Use an even number."),
    "transient": OperationalError("the database went away"),
    "bug": ZeroDivisionError(),
    "stop": Interrupted(),
}
