"""A stand-in for WhatsApp Web, WhatsApp and the phones, on this machine. See README.md beside this file."""

from tests.standin.server import Standin
from tests.standin.world import CUSTOMER, OWN_NUMBER, Phone, Sent, StandinError

__all__ = ["CUSTOMER", "OWN_NUMBER", "Phone", "Sent", "Standin", "StandinError"]
