"""The session runner: drives one number from one thread, as long as it holds the number's lease."""

from connections.runner.runner import SessionRunner
from connections.runner.slots import run_here

__all__ = ["SessionRunner", "run_here"]
