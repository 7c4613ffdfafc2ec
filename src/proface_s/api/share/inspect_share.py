"""Inspect a share copy without a key."""

from __future__ import annotations

from ...faces.numbering import number_of
from ...robust.directory import VERSION
from ...robust.share_picture import FoundLayer
from ..results.inspected import Inspection
from ..results.protected import ProtectedFace
from .recover_share import bytes_left, received_boxes
from .share_secrets import PASSPHRASE, RECIPIENT


def inspect_layer(found: FoundLayer, size: tuple[int, int]) -> Inspection:
    """Describe a share copy as far as it shows without a key.

    Args:
        found: its layer.
        size: (width, height) of the picture as received.
    """
    directory = found.directory
    groups = sorted({face.group for face in directory.faces})
    kinds = [stanza.kind for stanza in directory.stanzas]
    passphrases = kinds.count(PASSPHRASE) + any(face.group == 0 for face in directory.faces)
    cost = f"argon2id m={(1 << directory.memory_log) // 1024} MiB t={directory.passes} p={directory.lanes}"
    return Inspection(
        VERSION,
        directory.size,
        bytes(16).hex(),
        "none",
        tuple(
            ProtectedFace(number_of(index), box, "unknown", False)
            for index, box in enumerate(received_boxes(found, size))
        ),
        (),
        (cost,) * passphrases,
        len(groups),
        kinds.count(RECIPIENT),
        members=tuple(groups.index(face.group) for face in directory.faces),
        source="share",
        received_size=size,
        likeness_bytes=tuple(bytes_left(found, index) for index in range(len(directory.faces))),
    )
