"""Resuming an interrupted run: decide whether an existing output is what this run would write."""
