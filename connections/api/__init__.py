"""Numbers and the sandbox in the API."""
