"""The key map K of the published network: one bit per pixel, from the face key."""

from __future__ import annotations

import numpy as np

from ...types import UInt8Image
from ..model import KeyStreams


def derive_key_map(key: KeyStreams, height: int, width: int) -> UInt8Image:
    """Return the key map, (H, W) of 0 and 1: the stream's bits, row-major, the most significant bit of a byte first."""
    stream = np.frombuffer(key.key_map_stream(-(-height * width // 8)), np.uint8)
    return np.unpackbits(stream, count=height * width).reshape(height, width)
