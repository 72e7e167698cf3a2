"""Posting public events to other systems: when to try, what to send, and who does it (see docs/webhooks.md)."""
