"""Carriers of header and seals: PNG chunks, WebP chunks, TIFF tags and sidecars."""
