"""What the tests of accounts share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from tests.factories import PASSWORD
from whatsflow.celery import app


@pytest.fixture(autouse=True)
def _tasks_run_at_once() -> Iterator[None]:
    app.conf.update(task_always_eager=True, task_eager_propagates=True)
    yield
    app.conf.update(task_always_eager=False, task_eager_propagates=False)


@pytest.fixture(autouse=True)
def _no_one_was_counted() -> Iterator[None]:
    """Throttles start at zero, also on a Redis that remembers the last run."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def password() -> str:
    """The password of everybody in the cast."""
    return PASSWORD
