"""Contracts: suites that every adapter to something outside must pass."""
