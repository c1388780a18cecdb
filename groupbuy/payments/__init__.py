"""Payments: the port behind which any provider stands, and the adapters to providers."""
