"""What asking the page may come to."""

from __future__ import annotations


class Refused(Exception):
    """The page answered with an error. code: what bridge.js or wa-js calls it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoAnswer(Exception):
    """The page is loading, was left, or takes too long: what was asked for may or may not have been done."""


class Hung(NoAnswer):
    """The page is there and did not answer in time."""
