"""Commands on clips."""
