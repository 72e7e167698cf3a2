"""A stand-in for WhatsApp Web, WhatsApp and the phones, on this machine. See README.md beside this file."""

from tests.standin.server import Standin
from tests.standin.things import CUSTOMER, OWN_NUMBER, Sent, StandinError
from tests.standin.world import Phone

__all__ = ["CUSTOMER", "OWN_NUMBER", "Phone", "Sent", "Standin", "StandinError"]
