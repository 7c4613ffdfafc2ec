"""Carriers: header and seals in PNG chunks, WebP chunks, TIFF tags and sidecars."""
