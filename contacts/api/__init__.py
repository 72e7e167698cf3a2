"""API of contacts, tags, custom fields and segments."""
