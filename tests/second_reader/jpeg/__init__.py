"""JPEG files: segments, entropy-coded data, and what the header and the seals say of coefficients."""
