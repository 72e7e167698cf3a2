"""One thing done with many contacts: started here, done as the job "contacts.bulk"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import BusinessProfile, User
from contacts.bulk import job, registry
from contacts.filters.contact_filter import ContactFilter
from core.errors import InvalidInput
from jobs import services as jobs
from jobs.models import Job

MOST = 1000
"""Contacts that can be named one by one; more are chosen by a filter."""


def start(
    business: BusinessProfile,
    actor: User,
    *,
    action: str,
    ids: Sequence[str] | None,
    wanted: Mapping[str, Any],
    given: Mapping[str, str],
) -> Job:
    """Begin. ids None: everybody who passes the filter. given: what the action needs besides, like a tag's name.

    The job's params: {"action", "ids" or "filter"} and what the action makes of `given`. Raises InvalidInput.
    """
    chosen = registry.get(action)
    params: dict[str, Any] = {"action": action}
    if ids is None:
        params["filter"] = ContactFilter.parse(business, wanted).to_dict()
    else:
        params["ids"] = _ids(ids)
    with transaction.atomic():
        params |= chosen.prepare(business, actor, given)
        about = params.pop("about", "")
        title = f"{chosen.title}: {about}" if about else chosen.title
        return jobs.start(business, actor, job.KIND, params, title=title)


def _ids(ids: Sequence[str]) -> list[str]:
    if not ids or len(ids) > MOST:
        raise InvalidInput("nobody_chosen", f"Choose 1 to {MOST} contacts first.", field="ids")
    try:
        return [str(UUID(one)) for one in ids]
    except ValueError:
        raise InvalidInput(
            "nobody_chosen", "This page is out of date. Open the list again.", field="ids"
        ) from None
