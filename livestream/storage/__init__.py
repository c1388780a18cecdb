"""Postgres: the truth. Pools and transactions, the room log, group commit, migrations."""
