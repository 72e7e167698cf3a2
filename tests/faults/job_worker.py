"""A jobs worker as a process of its own: `python -m tests.faults.job_worker`, until SIGTERM.

Knows one more kind of job: `test.people` makes contacts, ten in a chunk, and can be stopped after each.
"""

from __future__ import annotations

import signal
import time
from typing import Any

import django

CHUNK = 10


def make_people(work: Any) -> dict[str, Any]:
    """`params["to"]` contacts called after their number; the chunk's rows and its place in one transaction."""
    from django.db import transaction

    from contacts.models import Contact
    from core import failpoints

    done = work.state.get("done", 0)
    while done < work.params["to"] and not work.cancelled():
        with transaction.atomic():
            names = range(done, done + CHUNK)
            Contact.objects.bulk_create(
                Contact(business_profile=work.business, name=f"number {number}") for number in names
            )
            done += CHUNK
            if done == work.params.get("stop_at"):
                failpoints.reach("job.before_save")
            work.save(done=done, total=work.params["to"], state={"done": done})
        if done == work.params.get("stop_at"):
            failpoints.reach("job.after_save")
    return {"made": done}


def main() -> None:
    from core import shutdown
    from jobs import registry, runner

    registry.register("test.people", make_people, label="Making people")
    signal.signal(signal.SIGTERM, lambda *_: shutdown.request_stop())
    while not shutdown.stopping.is_set():
        runner.run_due()
        time.sleep(0.05)


if __name__ == "__main__":
    django.setup()
    main()
