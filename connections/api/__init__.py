"""REST API of numbers and the sandbox."""
