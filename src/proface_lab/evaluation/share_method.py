"""The layer of share copies as a method: a face fills a small photo, in which the product's own functions hide it.

Unlike a share copy, the result is not saved as JPEG, and Argon2id runs at its least cost, so that an adversary can have
thousands of copies made.  The photo has room for one entry, in the fine layer.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from proface_s.api.share.layout import unplanned_face, with_lengths
from proface_s.api.share.share_secrets import lock_shared_faces, opened_face_keys, share_context
from proface_s.covers.heads.landmarks import find_mesh
from proface_s.errors import UsageError, WrongKeyError
from proface_s.keys.access import Credentials, Lock
from proface_s.keys.derive import MIN_MEMORY_KIB, SALT_BYTES, KdfParams, KekDeriver
from proface_s.keys.secrets import FaceKey
from proface_s.keys.share_keys import ENTRY_TAG_BYTES, decrypt_entry, encrypt_entry, share_face_key
from proface_s.robust.directory import UNIT, ShareDirectory
from proface_s.robust.likeness import CODEC, decode_likeness, encode_likeness
from proface_s.robust.share_picture import FoundLayer, ShareEntry, find_layer, write_layer
from proface_s.types import Box, UInt8Image

COST: Final = KdfParams(time_cost=1, memory_kib=MIN_MEMORY_KIB, lanes=1)


class ShareMethod:
    """Hides a likeness of a face in the whole picture; the key plays the passphrase.

    Attributes:
        least_side: pixels of the smallest square picture that has room for the directory and one face.
    """

    name, parameters, least_side = "share", 0, 288

    def __init__(self) -> None:
        self._codes: dict[tuple[bytes, int], bytes] = {}

    def protect(self, original: UInt8Image, cover: UInt8Image, key: bytes) -> UInt8Image:
        """See `Method.protect`.

        Raises:
            UsageError: if the picture is too small, or its sides are not multiples of four.
        """
        height, width = cover.shape[:2]
        if width % UNIT or height % UNIT:
            raise UsageError(f"sides must be multiples of {UNIT}, not {width} x {height}")
        salt = secrets.token_bytes(SALT_BYTES)
        locked = lock_shared_faces([Lock((key.hex(),))], salt, COST, KekDeriver())
        face = unplanned_face(Box(0, 0, width, height), locked.groups[0], CODEC)
        memory = COST.memory_kib.bit_length() - 1
        directory = with_lengths(
            ShareDirectory(width, height, "photo", salt, COST.time_cost, memory, COST.lanes, (face,), locked.stanzas)
        )
        code = self.code_of(original, directory.faces[0].fine_bytes - ENTRY_TAG_BYTES)
        entry = self.locked_entry(share_face_key(locked.lock_secrets[0], share_context(directory, 0)), code)
        return write_layer(cover, directory, [ShareEntry(b"", entry)])

    def recover(self, protected: UInt8Image, key: bytes) -> UInt8Image:
        """See `Method.recover`: a wrong key opens nothing, and the picture stays as it is."""
        found = find_layer(protected)
        if found is None or found.fine is None or not found.fine[0]:
            return protected.copy()
        credentials = Credentials(passphrases=(key.hex(),))
        for face_key in opened_face_keys(found.directory, credentials, KekDeriver())[0]:
            try:
                return self.shown(found, decrypt_entry(face_key, "fine", found.fine[0]), protected)
            except WrongKeyError:
                continue
        return protected.copy()

    def code_of(self, original: UInt8Image, length: int) -> bytes:
        """Return the likeness of a face in ``length`` bytes; each is made once."""
        which = hashlib.sha256(original.tobytes()).digest(), length
        if which not in self._codes:
            mesh = find_mesh(original, None)
            self._codes[which] = encode_likeness(original, length, None if mesh is None else mesh.five_points)
        return self._codes[which]

    def locked_entry(self, key: FaceKey, code: bytes) -> bytes:
        """Encrypt a likeness."""
        return encrypt_entry(key, "fine", code)

    def entry_in(self, protected: UInt8Image) -> bytes | None:
        """Return the entry of the face, which anybody reads without a key; None if too little is left of it."""
        found = find_layer(protected)
        return None if found is None or found.fine is None else found.fine[0]

    def shown(self, found: FoundLayer, code: bytes, protected: UInt8Image) -> UInt8Image:
        """Return a picture with a likeness laid over it."""
        return decode_likeness(found.directory.faces[0].codec, code, protected)
