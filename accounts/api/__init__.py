"""The REST API's framework: who calls, what they may do, and the manners that every endpoint has.

See "An endpoint" in CONTRIBUTING.md.
"""
