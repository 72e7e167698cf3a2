"""`manage.py demo`: create a demo business."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from core.errors import DomainError
from whatsflow.demo import build


class Command(BaseCommand):
    """Create the demo business unless it exists, and print how to log in."""

    help = "Make a demo business with a connected sandbox number, contacts and a month of conversations."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--password", default="", help="for everybody in the demo; made up if not given")
        parser.add_argument("--contacts", type=int, default=build.Size.contacts, metavar="N")
        parser.add_argument("--messages", type=int, default=build.Size.messages, metavar="N")
        parser.add_argument(
            "--days", type=int, default=build.Size.days, metavar="N", help="how long a history"
        )
        parser.add_argument("--reset", action="store_true", help="remove the demo business and make it anew")

    def handle(self, *args: Any, **options: Any) -> None:
        size = build.Size(options["contacts"], options["messages"], options["days"])
        if size.contacts < 1 or size.messages < 0 or size.days < 1:
            raise CommandError(
                "The demo needs at least one contact, one day and no negative number of messages."
            )
        try:
            self._run(options["password"], size, options["reset"])
        except DomainError as error:
            raise CommandError(error.message) from None

    def _run(self, password: str, size: build.Size, reset: bool) -> None:
        if reset:
            build.remove()
        if build.find() is None:
            password = password or secrets.token_urlsafe(9)
            self._build(password, size)
            self._print_login(password)
        elif password:
            build.set_password(password)
            self._print_login(password)
        else:
            self.stdout.write("The demo business is there already.")
            self._print_login("")

    def _build(self, password: str, size: build.Size) -> None:
        with tqdm(total=size.messages, unit=" messages", disable=size.messages < 20_000) as bar:

            def progress(name: str, written: int) -> None:
                bar.set_description(name)
                if name == "messages":
                    bar.update(written)

            build.build(password, size, progress)
        self.stdout.write(
            f"{build.NAME}: {size.contacts:,} contacts, {size.messages:,} messages of the last {size.days} days."
        )

    def _print_login(self, password: str) -> None:
        self.stdout.write(f"Log in at   {settings.PUBLIC_URL}/accounts/login/")
        self.stdout.write(f"E-mail      {build.EMAIL}")
        if password:
            self.stdout.write(f"Password    {password}")
            others = ", ".join(f"{email} ({role})" for email, _, role in build.TEAM)
            self.stdout.write(f"With the same password: {others}")
        else:
            self.stdout.write("Password    the one that was shown then; --password NEW sets another")
