"""Sandbox-pay: a little payment provider of our own, without money: checkout page, API, webhooks, faults to order."""
