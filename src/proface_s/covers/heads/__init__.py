"""Heads in a region of a photo: where they are, how they are turned, and the oval that covers them."""
