"""People of a clip in a file: find them, read and write the people file, and cut their pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from ...api.face_search import FaceSearch
from ...errors import ImageError
from ...faces import DEFAULT_DETECTOR, Detector, open_detector
from ...faces.engines import forget_networks
from ...image.write import write_atomic
from ...memory import return_free_memory
from ...progress import Progress, silent
from ...types import UInt8Image
from ..clip.read import open_clip
from ..tracking import INTERVAL, LOOK_AHEAD
from .corrections import Corrections
from .file import LARGEST_FILE, decode_people, encode_people
from .finding import PeopleFinder
from .people import People
from .sheet import cut_tiles

_PRIVATE: Final = 0o600


def find_clip_people(
    path: Path,
    detector: Detector | None,
    interval: float = INTERVAL,
    *,
    look_ahead: float = LOOK_AHEAD,
    threads: int = 0,
    progress: Progress = silent,
) -> tuple[People, list[float]]:
    """Find the people of a clip; memory that was needed for it alone is given back.

    Args:
        path: of the clip.
        detector: the face detector; None to look for nobody, because all places are marked by hand.
        interval: seconds from one look to the next.
        look_ahead: seconds, see `Tracker`.
        threads: of the decoder; 0 for all cores.
        progress: is told about the stage ``find``, with numbers of frames; the total is 0 if it is not known.

    Returns:
        The people, and the times in seconds at which the clip could not be decoded.

    Raises:
        ImageError: if it cannot be read as a clip.
        UsageError: if PyAV is not installed, or the detector fails.
        OSError: if the file cannot be opened.
    """
    with open_clip(path, threads) as clip:
        if detector is None:
            times = np.array([frame.seconds for frame in clip.frames()])
            return People(clip.info.upright_size, times, ()), list(clip.failures)
        finder = PeopleFinder(detector, interval, look_ahead, float(clip.info.rate))
        total = clip.info.frames or 0
        for number, frame in enumerate(clip.frames()):
            progress("find", min(number, total), total)
            finder.push(frame)
        people = finder.finish()
    forget_networks()
    return_free_memory()
    return people, list(clip.failures)


def open_clip_detector(search: FaceSearch, corrections: Corrections, threads: int = 0) -> Detector | None:
    """Open the detector for a clip; return None if nobody who was found would be kept.

    Args:
        search: how faces are looked for.
        corrections: of who is found.
        threads: of the detector; 0 for all cores.

    Raises:
        UsageError: if it cannot be opened.
    """
    if corrections.faces == ():
        return None
    name = search.detector or DEFAULT_DETECTOR
    return open_detector(name, threads, threshold=search.threshold, thorough=search.thorough)


def cut_clip_tiles(path: Path, people: People, threads: int = 0) -> dict[int, UInt8Image]:
    """Cut a picture of each person out of a clip; see `cut_tiles`.

    Raises:
        UsageError: if the people were found in another clip.
        ImageError: as `find_clip_people`.
        OSError: likewise.
    """
    with open_clip(path, threads) as clip:
        return cut_tiles(people, clip.frames())


def read_people(path: Path) -> People:
    """Read a people file; `write_people` is the inverse.

    Raises:
        UsageError: if it is no people file, or something in it is wrong.
        ImageError: if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror or error}") from None
    return decode_people(data, str(path))


def write_people(path: Path, people: People, *, overwrite: bool = False) -> None:
    """Write a people file that nobody else can read; inverse of `read_people`.

    Raises:
        ImageError: if it cannot be written, or exists and must not be replaced.
    """
    write_atomic(path, encode_people(people), overwrite=overwrite, like=_PRIVATE)
