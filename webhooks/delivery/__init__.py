"""Delivery of public events to webhook endpoints (see docs/webhooks.md)."""
