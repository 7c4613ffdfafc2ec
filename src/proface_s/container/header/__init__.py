"""The header of a protected file: data, bytes, validation, locking and unlocking."""
