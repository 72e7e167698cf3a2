"""Persistence that the registry hands to drivers: rows of the simulated WhatsApp, encrypted browser logins."""
