"""Inspect a protected file without a key."""

from __future__ import annotations

from collections.abc import Sequence

from ..container.header.header import FORMAT_VERSION, FaceEntry
from ..container.header.stanzas import BareStanza, PassphraseStanza, RecipientStanza
from ..container.records.partial_headers import LOST
from ..covers import format_style, recorded_fallback, recorded_style, recorded_synthetic
from ..errors import NotProtectedError
from ..faces.numbering import format_numbers, number_of
from ..flow.registry import name_of, warnings_of
from ..image.read import MAX_PIXELS
from ..robust.share_picture import find_layer, find_whole_layer
from .files.io import PictureInput, load_protected
from .header_checks import read_header
from .medium import medium_of
from .recovery.recover_from_pixels import find_headers
from .results.inspected import Inspection
from .results.protected import ProtectedFace
from .share.inspect_share import inspect_layer
from .share.recover_share import bytes_left


def inspect(image: PictureInput, *, max_pixels: int = MAX_PIXELS) -> Inspection:
    """Describe a protected file as far as it shows without a key; loads no model.

    Args:
        image: a protected file, as for `recover`.
        max_pixels: larger files are refused before they are decoded.

    Raises:
        NotProtectedError: if there is no header, and no record in the pixels.
        DamagedFileError: if the header is malformed, or belongs to another picture.
    """
    picture = load_protected(image, max_pixels=max_pixels)
    carried = any(picture.chunks.values())
    try:
        header, seals = read_header(picture) if carried else (find_headers(picture)[0].header, {})
    except NotProtectedError:
        found = find_layer(picture.rgb)
        if found is None:
            raise
        return inspect_layer(found, picture.size)
    faces = tuple(_shown_face(number_of(index), face, sealed=index in seals) for index, face in enumerate(header.faces))
    stanzas = [stanza for group in header.groups for stanza in group.stanzas]
    kdf = tuple(
        f"argon2id m={s.params.memory_kib // 1024} MiB t={s.params.time_cost} p={s.params.lanes}"
        for s in stanzas
        if isinstance(s, (PassphraseStanza, BareStanza))
    )
    stripped = tuple(
        number_of(i) for i, face in enumerate(header.faces) if face.sealed and not face.forgotten and i not in seals
    )
    in_pixels = medium_of(header).in_pixels
    layer = find_whole_layer(picture.rgb) if in_pixels else None
    # a style of that name in a header of its own means nothing
    lost = () if carried else tuple(i for i, face in enumerate(header.faces) if face.style == LOST)
    return Inspection(
        FORMAT_VERSION,
        (header.width, header.height),
        header.model_id.hex(),
        name_of(header.model_id) if in_pixels else "none",
        faces,
        stripped,
        kdf,
        len(header.groups),
        sum(isinstance(s, RecipientStanza) for s in stanzas),
        header.wrong_key,
        tuple(number_of(i) for i, face in enumerate(header.faces) if face.forgotten and i not in lost),
        tuple(f.group for f in header.faces),
        "metadata" if carried else "pixels",
        tuple(map(number_of, lost)),
        (*warnings_of(header.model_id), *_synthetic(faces)),
        inside_bytes=() if layer is None else tuple(bytes_left(layer, i) for i in range(len(layer.directory.faces))),
    )


def _shown_face(number: int, face: FaceEntry, *, sealed: bool) -> ProtectedFace:
    """Describe a face of a header."""
    style, synthetic = recorded_style(face.style, face.strength), not face.forgotten and recorded_synthetic(face.style)
    return ProtectedFace(number, face.box, format_style(style), sealed, (), recorded_fallback(face.style), synthetic)


def _synthetic(faces: Sequence[ProtectedFace]) -> tuple[str, ...]:
    """Tell which faces look like people and are none."""
    found = [index for index, face in enumerate(faces) if face.synthetic]
    if not found:
        return ()
    shown = "faces {}: synthetic faces are shown, of people who do not exist"
    alone = "face {}: a synthetic face is shown, of a person who does not exist"
    return ((alone if len(found) == 1 else shown).format(format_numbers(found)),)
