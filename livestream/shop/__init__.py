"""The shop: its rooms, staff, keys, words, products and purchases. What its backend and operators do over HTTP."""
