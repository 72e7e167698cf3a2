"""Contacts and how they are sorted, in the API."""
