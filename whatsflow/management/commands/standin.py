"""`manage.py standin`: run a local stand-in for WhatsApp Web, to link a number without a phone."""

from __future__ import annotations

import json
import shlex
import signal
import threading
from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Serve the stand-in and the page of its phone until Ctrl-C."""

    help = "Play WhatsApp Web and the phone on this machine, so that a number can be linked without either."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the ports, constant by default, so that the printed command stays valid."""
        parser.add_argument("--port", type=int, default=8570, help="Where Chromium finds the page.")
        parser.add_argument("--phone-port", type=int, default=8571, help="Where people find the phone.")
        parser.add_argument(
            "--without", default="", help="Modules that the page shall lack, comma-separated."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Start both servers, print how to use them, and wait."""
        try:
            server = import_module("tests.standin.server")
            control = import_module("tests.standin.control")
        except ImportError as error:
            raise CommandError("The stand-in comes with the source code only, not with the image.") from error
        try:
            standin = server.Standin(port=options["port"])
            phone = control.Control(standin, options["phone_port"])
        except OSError as error:
            raise CommandError(f"A port is taken: {error}") from error
        standin.without = set(filter(None, options["without"].split(",")))
        standin.start()
        phone.start()
        self._explain(standin.browser_args, phone.url)
        self._wait()
        phone.stop()
        standin.stop()

    def _explain(self, browser_args: list[str], phone: str) -> None:
        arguments = shlex.quote(json.dumps(browser_args))
        self.stdout.write(
            "WhatsApp Web is played here. Start WhatsFlow in another terminal:\n\n"
            f"  WHATSAPP_WEB_BROWSER_ARGS={arguments} python manage.py up\n\n"
            f"Link a number on the dashboard, then scan its code on the phone: {phone}\n"
            "Phones forget everything when this ends (Ctrl-C)."
        )
        self.stdout.flush()

    def _wait(self) -> None:
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        ended.wait()
