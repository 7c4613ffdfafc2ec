"""Stickers of this package: some that it draws, and some of Google's Noto Emoji (Apache-2.0)."""
