"""Clips (docs/format.md, section 10)."""
