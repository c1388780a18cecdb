"""Lottery: lucky draws that nobody can steer unseen and anybody can check.

The protocol, byte for byte, is in docs/draw-protocol.md.
"""
