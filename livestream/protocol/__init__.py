"""The wire, defined once: every command, reply and push, their codecs, roles, limits, errors and close codes.

Decoding with validation, the permission check, rate classes, JSON Schema,
TypeScript types and the reference page in docs/ all come from these structs.
Change one, run `make generate`, and the tests tell what else moved.
"""
