"""From a protected file back to the photo."""
