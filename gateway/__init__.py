"""The edge: one port, websockets and HTTP, fan-out to every viewer."""
