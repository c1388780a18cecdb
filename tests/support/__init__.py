"""What tests stand on: the embedded stores, fresh databases, real gateway processes, tokens."""
