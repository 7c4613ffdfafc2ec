"""From a photo to a protected file."""
