"""Simulated attacks: harmless, on loopback, against servers of our own."""
