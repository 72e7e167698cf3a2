"""The demo business: believable people, conversations and a month of history, at any scale."""
