"""Measures: quality, privacy and cost."""
