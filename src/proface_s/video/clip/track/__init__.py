"""The sealed track of a clip: its packets, their sealing, and their reading."""
