"""The structure of picture files, read and checked before a decoder sees them."""
