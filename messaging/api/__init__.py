"""Messages, conversations and files in the API."""
