"""Which carriers hold which bits: the directory at public places, both layers in an order that the salt gives.

::

    each carrying block   6 base bands: 2 for the directory, 4 for the base layer     28 fine bands: the fine layer
    directory             4096 coded bits, each at one place of every 64 x 32 blocks: any part of a photo has many
    layer                 entries of all faces ─ LDPC ─ scrambled ─ in random order over all carriers of the layer

Boxes alone have too few blocks for that: there 12 bands are for the directory, 22 for the fine layer, and there is no
base layer.

Order and scrambling come from the salt and are public: what is hidden is encrypted before it gets here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from ..types import FloatArray
from .directory import LENGTHS, ShareDirectory
from .lattice import BANDS, BASE_BANDS, BLOCK, STEPS, dither, grid_of
from .ldpc import Bits, CodeWords, ldpc_code
from .regions import Region

DIRECTORY_BITS: Final = 4096
_TILE: Final = (32, 64)  # rows and columns of blocks
_BOX_BANDS: Final = 12  # the first bands of a block, which carry the directory if only boxes carry
_LABEL: Final = b"proface-s/share/v1/"
Mask = npt.NDArray[np.bool_]


def carrying_blocks(directory: ShareDirectory) -> Mask:
    """Return which blocks carry, (rows, columns): all, or those in the faces' boxes, grown by their sides in halos."""
    rows, columns = grid_of(directory.width, directory.height)
    if directory.region == "photo":
        return np.ones((rows, columns), bool)
    mask = np.zeros((rows, columns), bool)
    for face in directory.faces:
        box = face.box
        above, beside = (box.h, box.w) if directory.region == "halo" else (0, 0)
        top, left = max(0, box.y - above), max(0, box.x - beside)
        first, last = -(-top // BLOCK), min(rows, (box.bottom + above) // BLOCK)
        mask[first:last, -(-left // BLOCK) : min(columns, (box.right + beside) // BLOCK)] = True
    return mask


@cache
def _bands_of_directory(rows: int, columns: int, boxes: bool = False) -> Mask:
    """(rows, columns, bands): the two base bands of each block that carry the directory, or all the first of a box."""
    row, column, band = np.ogrid[:rows, :columns, : len(BANDS)]
    if boxes:
        return np.asarray((band < _BOX_BANDS) & (row + column >= 0))
    return np.asarray(((row + column + band) % 3 == 0) & (band < len(BASE_BANDS)))


def directory_carriers(blocks: Mask, region: Region = "photo") -> Mask:
    """Return the carriers of the directory, (rows, columns, bands)."""
    return _bands_of_directory(*blocks.shape, region == "box") & blocks[:, :, None]


def base_carriers(blocks: Mask, region: Region = "photo") -> Mask:
    """Return the carriers of the base layer, (rows, columns, bands)."""
    rest = ~_bands_of_directory(*blocks.shape, region == "box") & blocks[:, :, None]
    rest[:, :, len(BASE_BANDS) :] = False
    return rest


def fine_carriers(blocks: Mask, region: Region = "photo") -> Mask:
    """Return the carriers of the fine layer, (rows, columns, bands)."""
    carriers = np.zeros((*blocks.shape, len(BANDS)), bool)
    carriers[:, :, _BOX_BANDS if region == "box" else len(BASE_BANDS) :] = blocks[:, :, None]
    return carriers


def stream(label: str, salt: bytes, count: int) -> npt.NDArray[np.uint8]:
    """Return ``count`` public bytes: the ChaCha20 keystream under SHA-256("proface-s/share/v1/" | label | salt)."""
    key = hashlib.sha256(_LABEL + label.encode("ascii") + salt).digest()
    encryptor = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
    return np.frombuffer(encryptor.update(bytes(count)), np.uint8)


def order(label: str, salt: bytes, count: int) -> npt.NDArray[np.intp]:
    """Return a permutation of ``count`` numbers: the order of as many 32-bit words, big-endian, of a stream."""
    words = stream(label, salt, 4 * count).view(np.dtype(">u4"))
    return np.argsort(words, kind="stable")


@cache
def _directory_places(boxes: bool) -> npt.NDArray[np.intp]:
    """Numbers of the coded bits in a tile of blocks, (32, 64, 2), or (32, 64, 12) of which each comes six times."""
    if boxes:
        return order("box-directory-order", b"", _TILE[0] * _TILE[1] * _BOX_BANDS).reshape(*_TILE, -1) % DIRECTORY_BITS
    return order("directory-order", b"", DIRECTORY_BITS).reshape(*_TILE, 2)


@cache
def _directory_scramble() -> Bits:
    return np.unpackbits(stream("directory-scramble", b"", DIRECTORY_BITS // 8))


def _places_in(rows: int, columns: int, boxes: bool = False) -> npt.NDArray[np.intp]:
    """Return the numbers of the coded bits of the directory at the carriers of a picture, in raster order."""
    row, column = np.ogrid[:rows, :columns]
    places: npt.NDArray[np.intp] = _directory_places(boxes)[row % _TILE[0], column % _TILE[1]]
    return places.ravel()


def place_directory(data: bytes, rows: int, columns: int, region: Region = "photo") -> tuple[Mask, Bits]:
    """Return the carriers of a directory, (rows, columns, bands), and its bits in raster order.

    `collect_directory` is the inverse.
    """
    boxes = region == "box"
    message = np.unpackbits(np.frombuffer(data, np.uint8))
    coded = ldpc_code(len(message), DIRECTORY_BITS).encode(message[None])[0] ^ _directory_scramble()
    return _bands_of_directory(rows, columns, boxes), coded[_places_in(rows, columns, boxes)]


def repetition(coefficients: FloatArray, present: Mask) -> float:
    """Return how well repeated bits of the directory agree, in standard deviations of what chance gives.

    Every pair of carriers of the same coded bit counts: neither bits nor noise need be known.  After heavy compression
    this shows a lattice long after doubled phases have ceased to.

    Args:
        coefficients: (rows, columns, base bands or more).
        present: (rows, columns) of the blocks to look at.
    """
    rows, columns = present.shape
    count = len(BASE_BANDS)
    where = _bands_of_directory(rows, columns)[:, :, :count]
    turns = (coefficients[:, :, :count] / STEPS[:count] - dither(rows, columns)[:, :, :count])[where]
    seen = np.repeat(present.ravel(), 2)
    signs, places = np.cos(np.float32(2 * np.pi) * turns) * seen, _places_in(rows, columns)
    total, squares, number = (
        np.bincount(places, weights=each, minlength=DIRECTORY_BITS) for each in (signs, signs**2, seen)
    )
    pairs = (number * (number - 1)).sum() / 2
    return float((total**2 - squares).sum() / np.sqrt(max(pairs, 1)))  # the product of two cosines has variance 1/4


def directory_ratios(ratios: FloatArray, region: Region = "photo") -> FloatArray:
    """Return the log-likelihood ratios of the directory's coded bits, (4096,), all repetitions added up.

    Args:
        ratios: (rows, columns, bands) log-likelihood ratios.
        region: where the directory may be; `photo` finds that of a halo, too.
    """
    rows, columns, _ = ratios.shape
    found = ratios[_bands_of_directory(rows, columns, region == "box")]
    summed = np.bincount(_places_in(rows, columns, region == "box"), weights=found, minlength=DIRECTORY_BITS)
    signs = 1 - 2 * _directory_scramble().astype(np.float32)
    return np.asarray(summed.astype(np.float32) * signs)


def collect_directory(ratios: FloatArray, region: Region = "photo") -> Iterator[bytes]:
    """Yield what may be the directory, one candidate per possible length, the shortest first; only their CRC can tell.

    Readers stop at the first that is sound: a length that is not the right one takes the decoder longest.

    Args:
        ratios: (rows, columns, bands) log-likelihood ratios.
        region: where it may be; `photo` finds that of a halo, too.
    """
    unscrambled = directory_ratios(ratios, region)
    for length in LENGTHS:
        bits, sound = ldpc_code(8 * length, DIRECTORY_BITS).decode(unscrambled[None])
        if sound[0]:
            yield np.packbits(bits[0]).tobytes()


class Layer:
    """One layer of a share copy: a message of bytes over all carriers of the layer.

    Args:
        label: ``base`` or ``fine``.
        salt: of the directory.
        length: bytes of the message.
        carriers: number of carriers.
    """

    def __init__(self, label: str, salt: bytes, length: int, carriers: int) -> None:
        self._words = CodeWords(8 * length, carriers)
        self._order = order(f"{label}-order", salt, carriers)
        self._scramble = np.unpackbits(stream(f"{label}-scramble", salt, -(-carriers // 8)))[:carriers]

    def encode(self, message: bytes) -> Bits:
        """Return one bit per carrier; `decode` is the inverse."""
        bits = np.empty_like(self._scramble)
        coded = self._words.encode(np.unpackbits(np.frombuffer(message, np.uint8)))
        bits[self._order] = coded ^ self._scramble
        return bits

    def decode(self, ratios: FloatArray) -> bytes | None:
        """Return the message; None if the channel has left too little of it.

        Args:
            ratios: one per carrier.
        """
        signs = 1 - 2 * self._scramble.astype(np.float32)
        bits = self._words.decode(ratios[self._order] * signs)
        return None if bits is None else np.packbits(bits).tobytes()
