"""Change who can open a protected file, without its original."""
