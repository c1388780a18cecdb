"""Group buy: teams that fill, expire and settle without one wrong cent."""
