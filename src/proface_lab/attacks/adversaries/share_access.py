"""Access to the layer of share copies: the bits that anybody reads, and the stream that a known picture gives away."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from proface_s.errors import WrongKeyError
from proface_s.keys.derive import SALT_BYTES, KdfParams, derive_kek
from proface_s.keys.secrets import FaceKey
from proface_s.keys.share_keys import ENTRY_TAG_BYTES, decrypt_entry, encrypt_entry
from proface_s.robust.share_picture import find_layer
from proface_s.types import UInt8Image

from ...evaluation.share_method import ShareMethod

LIKENESS_BYTES = 48


def entry_bits(method: ShareMethod, protected: UInt8Image) -> npt.NDArray[np.float64] | None:
    """Return the bits of a face's entry as -1/2 and 1/2, (N,): all that a picture can say of what is hidden in it."""
    entry = method.entry_in(protected)
    return None if entry is None else np.unpackbits(np.frombuffer(entry, np.uint8)).astype(np.float64) - 0.5


class SharePad:
    """The bytes of the keystream that were added to a likeness."""

    what = "bytes of the keystream"

    def __init__(self, method: ShareMethod) -> None:
        self._method = method

    def pad_of(self, original: UInt8Image, cover: UInt8Image, protected: UInt8Image) -> UInt8Image | None:
        """Return the sum of the entry and the likeness that the known original gives."""
        entry = self._method.entry_in(protected)
        if entry is None:
            return None
        ciphertext = np.frombuffer(entry[:-ENTRY_TAG_BYTES], np.uint8)
        return ciphertext ^ np.frombuffer(self._method.code_of(original, len(ciphertext)), np.uint8)

    def recover(self, protected: UInt8Image, elements: UInt8Image) -> UInt8Image:
        """Return the likeness that the bytes open, whatever its tag says: attackers judge for themselves."""
        found = find_layer(protected)
        if found is None or found.fine is None:
            return protected.copy()
        ciphertext = np.frombuffer(found.fine[0][:-ENTRY_TAG_BYTES], np.uint8)
        return self._method.shown(found, (ciphertext ^ elements).tobytes(), protected)


def opens_entry(passphrase: str, params: KdfParams) -> Callable[[str], bool]:
    """Return whether a passphrase opens an entry that was locked with the one given, at a cost of Argon2id."""
    salt = secrets.token_bytes(SALT_BYTES)
    entry = encrypt_entry(FaceKey(derive_kek(passphrase, salt, params)), "fine", bytes(LIKENESS_BYTES))

    def opens(text: str) -> bool:
        with contextlib.suppress(WrongKeyError):
            decrypt_entry(FaceKey(derive_kek(text, salt, params)), "fine", entry)
            return True
        return False

    return opens
