"""A process that posts webhooks until it is killed: `python -m tests.faults.webhook_worker`."""

from __future__ import annotations

import django

django.setup()

from webhooks.delivery.dispatcher import Dispatcher  # noqa: E402
from whatsflow.runtime.signals import stop_on_signals  # noqa: E402

if __name__ == "__main__":
    dispatcher = Dispatcher(idle_seconds=3600.0)
    stop_on_signals(also=dispatcher.stop)
    dispatcher.run()
