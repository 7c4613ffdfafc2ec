"""Fresh secrets for a picture that is about to be protected."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import DamagedFileError, UsageError
from ...keys.access import Lock
from ...keys.derive import SALT_BYTES, KdfParams, KekDeriver
from ...keys.secrets import FaceContext, FaceKey, FaceSecret, FileKey
from ...keys.wrap import WRAPPED_BYTES
from ...types import Box
from .header import FORMAT_VERSION, Header
from .stanzas import BareStanza


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The secrets of one picture.

    Attributes:
        model_id: 16 bytes, see `Header`.
        boxes: the protected regions, in header order.
        groups: for every face, the number of its group.
        file_keys: one per group.
        face_secrets: one per face.
        slots: 60 bytes per face, for the header.
        bare: in ``cover`` mode one stanza per group; else empty.
    """

    model_id: bytes
    boxes: tuple[Box, ...]
    groups: tuple[int, ...]
    file_keys: tuple[FileKey, ...]
    face_secrets: tuple[FaceSecret, ...]
    slots: tuple[bytes, ...]
    bare: tuple[BareStanza, ...] = ()

    @classmethod
    def generate(cls, model_id: bytes, boxes: Sequence[Box], groups: Sequence[int] | None = None) -> KeyRing:
        """Draw all secrets from the operating system's generator; a wrong key will be recognised (``noise`` mode).

        Args:
            model_id: 16 bytes.
            boxes: the protected regions.
            groups: for every face, the number of its group, 0 upwards; None puts all into group 0.
        """
        numbers = _group_numbers(boxes, groups)
        file_keys = tuple(FileKey.generate() for _ in range(max(numbers) + 1))
        face_secrets = tuple(FaceSecret.generate() for _ in boxes)
        slots = tuple(
            file_keys[number].wrap_face(secret, _context(model_id, boxes, index))
            for index, (number, secret) in enumerate(zip(numbers, face_secrets, strict=True))
        )
        return cls(model_id, tuple(boxes), numbers, file_keys, face_secrets, slots)

    @classmethod
    def derive(
        cls,
        model_id: bytes,
        boxes: Sequence[Box],
        groups: Sequence[int] | None,
        passphrases: Sequence[str],
        params: KdfParams | None = None,
        deriver: KekDeriver | None = None,
    ) -> KeyRing:
        """Derive the secrets of the ``cover`` mode, in which every passphrase gives some and none can be verified.

        Args:
            model_id: 16 bytes.
            boxes: the protected regions.
            groups: as in `generate`.
            passphrases: one per group.
            params: cost of Argon2id; the defaults of `KdfParams` if None.
            deriver: derives keys from the passphrases; one with the limits of the format if None.

        Raises:
            UsageError: if there is not one passphrase per group.
        """
        numbers, cost, deriver = _group_numbers(boxes, groups), valid_cost(params), deriver or KekDeriver()
        if len(passphrases) != max(numbers) + 1:
            raise UsageError(f"{len(passphrases)} passphrases for {max(numbers) + 1} groups of faces")
        bare = tuple(BareStanza(secrets.token_bytes(SALT_BYTES), cost) for _ in passphrases)
        file_keys = tuple(
            FileKey(deriver.derive(text, each.salt, cost)) for text, each in zip(passphrases, bare, strict=True)
        )
        slots = tuple(secrets.token_bytes(WRAPPED_BYTES) for _ in boxes)
        face_secrets = tuple(
            file_keys[number].derive_face(slot, _context(model_id, boxes, index))
            for index, (number, slot) in enumerate(zip(numbers, slots, strict=True))
        )
        return cls(model_id, tuple(boxes), numbers, file_keys, face_secrets, slots, bare)

    @classmethod
    def for_header(cls, planned: Header, locks: Sequence[Lock], deriver: KekDeriver) -> KeyRing:
        """Make the keys of a planned file: draw them, or in ``cover`` mode derive them from its passphrases.

        Args:
            planned: as `plan_header` makes it.
            locks: one per group; in ``cover`` mode with one passphrase each.
            deriver: derives keys from the passphrases.
        """
        boxes, groups = [face.box for face in planned.faces], [face.group for face in planned.faces]
        if planned.wrong_key == "noise":
            return cls.generate(planned.model_id, boxes, groups)
        passphrases = [lock.passphrases[0] for lock in locks]
        return cls.derive(planned.model_id, boxes, groups, passphrases, deriver=deriver)

    def context(self, index: int) -> FaceContext:
        """Return the context that the key of face ``index`` is bound to."""
        return _context(self.model_id, self.boxes, index)

    def face_key(self, index: int) -> FaceKey:
        """Return the key of face ``index``."""
        return self.face_secrets[index].face_key(self.context(index))


def valid_cost(params: KdfParams | None) -> KdfParams:
    """Return the cost to lock with; the defaults of `KdfParams` if None.

    Raises:
        UsageError: if it is out of range, which is the caller's mistake here, not a damaged file.
    """
    params = params or KdfParams()
    try:
        params.check()
    except DamagedFileError as error:
        raise UsageError(error.message) from None
    return params


def _context(model_id: bytes, boxes: Sequence[Box], index: int) -> FaceContext:
    return FaceContext(FORMAT_VERSION, index, boxes[index], model_id)


def _group_numbers(boxes: Sequence[Box], groups: Sequence[int] | None) -> tuple[int, ...]:
    numbers = tuple(groups) if groups is not None else (0,) * len(boxes)
    if not boxes or len(numbers) != len(boxes):
        raise ValueError(f"{len(boxes)} boxes and {len(numbers)} group numbers")
    return numbers
