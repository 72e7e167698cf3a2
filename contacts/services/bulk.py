"""One thing done with many contacts: started here, done as the job "contacts.bulk"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import BusinessProfile, User
from contacts.filters import ContactFilter
from contacts.services import tags
from jobs import services as jobs
from jobs.models import Job
from whatsflow.core.errors import InvalidInput

KIND = "contacts.bulk"
LABELS = {
    "tag": "Tag contacts",
    "untag": "Untag contacts",
    "opt_out": "Opt contacts out",
    "export": "Export contacts",
    "delete": "Delete contacts",
}
MOST = 1000
"""Contacts that can be named one by one; more are chosen by a filter."""


def start(
    business: BusinessProfile,
    actor: User,
    *,
    action: str,
    ids: Sequence[str] | None,
    wanted: Mapping[str, Any],
    tag: str = "",
) -> Job:
    """Begin. ids None: everybody who passes the filter. tag: name of the tag for "tag" (made if new) and "untag".

    The job's params: {"action", "ids" or "filter", "tags": [id]}. Raises InvalidInput.
    """
    if action not in LABELS:
        raise InvalidInput("unknown_action", "Choose what to do with these contacts.", field="action")
    params: dict[str, Any] = {"action": action}
    if ids is None:
        params["filter"] = ContactFilter.parse(business, wanted).to_dict()
    else:
        params["ids"] = _ids(ids)
    with transaction.atomic():
        if action in ("tag", "untag"):
            params["tags"] = [str(one.pk) for one in tags.find_or_create(business, actor, [tag])]
        return jobs.start(business, actor, KIND, params, title=LABELS[action])


def _ids(ids: Sequence[str]) -> list[str]:
    if not ids or len(ids) > MOST:
        raise InvalidInput("nobody_chosen", f"Choose 1 to {MOST} contacts first.", field="ids")
    try:
        return [str(UUID(one)) for one in ids]
    except ValueError:
        raise InvalidInput(
            "nobody_chosen", "This page is out of date. Open the list again.", field="ids"
        ) from None
