"""Errors of calls to the page."""

from __future__ import annotations


class PageError(Exception):
    """The page returned an error. code: error code of bridge.js or wa-js."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoAnswer(Exception):
    """The page is loading, was left or timed out; the call may or may not have taken effect."""


class CallTimeout(NoAnswer):
    """The page is loaded but did not answer in time."""
