"""A likeness of a face in a fixed number of bytes."""

from .codec import SMALLEST_CODE, Kind, Likeness, decode_face, encode_face

__all__ = ["SMALLEST_CODE", "Kind", "Likeness", "decode_face", "encode_face"]
