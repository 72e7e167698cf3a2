"""A simulated WhatsApp: a phone, a server and customers who write, read and answer. Deterministic by its seed.

`world.py` is WhatsApp itself, `personas.py` the people, `driver.py` the linked device, `store.py` what must survive.
Nobody outside is ever reached: all numbers lie in +999, which belongs to no country.
"""
