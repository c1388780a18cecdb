"""The room: shows, host messages, comments, likes. Pure machines, and the service that runs their commands."""
