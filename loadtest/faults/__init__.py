"""Faults: what breaks on purpose while a scenario plays."""
