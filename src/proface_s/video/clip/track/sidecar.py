"""Sidecars of clips: the packets of the sealed track in a file of their own, such as ``NAME.mp4.pfs`` beside the clip.

::

    "PFSV" | version u8 | for every packet of the track, in its order: length u32 | packet

Programs that convert clips drop tracks that they do not know; a sidecar is there all the same.  Its packets are checked
as those of the track are: against the list at its end, for which the keys vouch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ....api.files.saving import sidecar_target
from ....api.files.sidecars import sidecar_path
from ....api.options import Sidecar
from ....errors import DamagedFileError, FileFormatError, ImageError
from ....image.atomic import PRIVATE, appearing_file

CLIP_MAGIC: Final = b"PFSV"
CLIP_VERSION: Final = 1
_LENGTH_BYTES: Final = 4


class SidecarWriter:
    """Writes the sidecar of a clip, packet after packet; `sidecar_packets` is the inverse.

    Args:
        path: of the file, which must not exist; only its owner can read it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb")
        self._file.write(CLIP_MAGIC + bytes([CLIP_VERSION]))

    def write(self, packet: bytes) -> None:
        """Write the next packet of the track."""
        self._file.write(len(packet).to_bytes(_LENGTH_BYTES, "big"))
        self._file.write(packet)

    def finish(self) -> None:
        """Flush the file to disk, and close it."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self.close()

    def close(self) -> None:
        """Close the file, complete or not."""
        self._file.close()


def sidecar_packets(path: Path) -> Iterator[bytes]:
    """Yield the packets of a sidecar, of untrusted bytes; inverse of `SidecarWriter`.

    Raises:
        FileFormatError: if a later version of the format wrote it.
        DamagedFileError: if it is no sidecar of a clip, or ends within a packet.
        ImageError: if it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(len(CLIP_MAGIC) + 1)
            if head[:-1] != CLIP_MAGIC:
                raise DamagedFileError(f"{path} is no sidecar of a clip", code="damaged-sidecar")
            if head[-1] != CLIP_VERSION:
                raise FileFormatError(f"{path} uses version {head[-1]}; known is {CLIP_VERSION}", code="newer-version")
            left = os.fstat(file.fileno()).st_size - len(head)
            while left:
                length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
                left -= _LENGTH_BYTES + length
                if left < 0:
                    raise DamagedFileError(f"{path} is damaged: it ends within a packet", code="damaged-sidecar")
                yield file.read(length)
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror or error}") from None


def clip_sidecar(clip: str | os.PathLike[str]) -> Path | None:
    """Return the sidecar that lies beside a clip; other files of its name do not count.

    Raises:
        ImageError: if a file of its name is there, and cannot be read.
    """
    path = sidecar_path(clip)
    if not path.is_file():
        return None
    try:
        with open(path, "rb") as file:
            return path if file.read(len(CLIP_MAGIC)) == CLIP_MAGIC else None
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror or error}") from None


def planned_sidecar(target: Path, sidecar: Sidecar, *, overwrite: bool) -> Path | None:
    """Return where the sidecar of a new clip goes, checked before any work; None if there is to be none.

    Raises:
        ImageError: if a file is there, and must not be replaced.
    """
    return None if sidecar == "none" else sidecar_target(target, overwrite)


@contextmanager
def appearing_clip(
    target: Path, beside: Path | None, *, overwrite: bool, like: Path
) -> Iterator[tuple[Path, SidecarWriter | None]]:
    """Give a temporary name to a clip, and a sidecar to write; both get their names at the end, the sidecar first.

    So a clip is never there without what opens it.  The rest is as for `appearing_file`.

    Args:
        target: the clip.
        beside: its sidecar, or None.
        overwrite: replace existing files.
        like: a file that has the most permissions these may get.

    Yields:
        The temporary name of the clip, an empty file; and what writes the sidecar, to be finished in the block.

    Raises:
        ImageError: as `appearing_file`.
    """
    placed = False
    try:
        with appearing_file(target, overwrite=overwrite, like=like) as temporary:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
            if beside is None:
                yield temporary, None
            else:
                with appearing_file(beside, overwrite=overwrite, like=like) as named:
                    writer = SidecarWriter(named)
                    try:
                        yield temporary, writer
                    finally:
                        writer.close()
                placed = True
    except BaseException:
        if placed and beside is not None and not overwrite:  # this call wrote the sidecar, and it belongs to nothing
            beside.unlink(missing_ok=True)
        raise
