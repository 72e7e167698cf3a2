"""What the tests of accounts share."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from core import rate_limit
from tests.factories import PASSWORD
from whatsflow.celery import app


@pytest.fixture(autouse=True)
def _tasks_run_at_once() -> Iterator[None]:
    app.conf.update(task_always_eager=True, task_eager_propagates=True)
    yield
    app.conf.update(task_always_eager=False, task_eager_propagates=False)


@pytest.fixture(autouse=True)
def _nobody_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rate limits start at zero, also on a Redis that remembers the last run."""
    monkeypatch.setattr(rate_limit, "PREFIX", f"throttle-{uuid4()}")


@pytest.fixture
def password() -> str:
    """The password of everybody in the cast."""
    return PASSWORD
