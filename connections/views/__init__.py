"""Pages of the numbers, and of the phone behind a sandbox number."""
