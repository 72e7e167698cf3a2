"""Simulated WhatsApp: a phone, a server and customers who write, read and answer. Deterministic by its seed.

`simulation.py` is the server, `personas.py` defines the customers, `driver.py` is the linked device and `store.py` the
interface of its persistence. All numbers lie in +999, which belongs to no country, so no real person is reached.
"""
