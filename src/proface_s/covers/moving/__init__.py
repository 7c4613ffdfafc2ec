"""Covers that stay with a face from frame to frame of a clip."""
