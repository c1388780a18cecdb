"""Benchmarks of single engines: what a figure in the documents stands on."""
