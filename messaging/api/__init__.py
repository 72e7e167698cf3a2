"""API of messages, conversations, media and quick replies."""
