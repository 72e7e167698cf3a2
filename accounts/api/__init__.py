"""Base of the REST API: authentication, permissions, throttling, idempotency and description of operations.

See "An endpoint" in CONTRIBUTING.md.
"""
