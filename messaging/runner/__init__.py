"""The session runner: drives one number while it holds the number's lease."""

from messaging.runner.capacity import run_here
from messaging.runner.runner import SessionRunner

__all__ = ["SessionRunner", "run_here"]
