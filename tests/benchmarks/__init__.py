"""How fast the paths are, each beside its limit in the same run. `python -m tests.benchmarks`, or `make bench`."""
