"""Clips: video files with their faces hidden in sealed tracks.  Only this room uses PyAV, which it loads on demand."""
