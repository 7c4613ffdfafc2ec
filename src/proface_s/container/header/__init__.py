"""The header of a protected file: its data, bytes, rules, locking and unlocking."""
