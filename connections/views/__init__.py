"""Pages of numbers and of the simulated phone."""
