"""Journeys of people in real browsers against the real server: one process, as `make run` starts it."""
