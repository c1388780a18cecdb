"""Moderation of texts: what words, links and names say, however they are written. Pure."""
