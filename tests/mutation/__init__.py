"""Mutation tests: change one line of the product at a time and see whether a test fails.

`make mutants MODULE=outbox` (see `modules.toml`). No tool of the trade fits: mutmut 3 changes function bodies only and
skips decorated ones, cosmic-ray drops neither arguments of a query nor statements, and neither reads SQL, where much of
what must not break is written. Both start each mutant with a database of its own, which takes longer than its tests.
"""
