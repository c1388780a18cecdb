"""The room and the ground that everyone stands on: wire, stores, room log, config, worker, command line."""
