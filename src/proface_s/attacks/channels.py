"""9. Channels: what the right key still recovers after a picture has been re-encoded, resized or cropped."""
