"""Generator of the demo business: contacts and a month of conversations."""
