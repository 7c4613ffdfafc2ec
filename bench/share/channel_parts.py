"""What `measure_channels` measures of one picture: the layer in both modes, and systems that hide faces exactly."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image

from proface_lab.channels import CHANNELS, CROP, FINE_CHANNELS, Step, through_size_limit
from proface_lab.evaluation.faces import FaceSample, make_cover
from proface_lab.evaluation.measures.metrics import ssim
from proface_lab.evaluation.measures.quality import evaluation_key
from proface_lab.evaluation.method import KEY_BYTES, Method
from proface_lab.evaluation.share_method import ShareMethod
from proface_s.api.share.layout import unplanned_face, with_lengths
from proface_s.api.share.share_secrets import opened_face_keys
from proface_s.errors import UsageError, WrongKeyError
from proface_s.image.measures import psnr
from proface_s.image.read import read_picture
from proface_s.image.regions import cut, paste_all
from proface_s.keys.access import Credentials
from proface_s.keys.derive import KekDeriver
from proface_s.keys.share_keys import ENTRY_TAG_BYTES, decrypt_entry
from proface_s.robust.directory import SharedFace, ShareDirectory
from proface_s.robust.regions import REGIONS, Region
from proface_s.robust.share_picture import FoundLayer, ShareEntry, find_layer, write_layer
from proface_s.types import Box, UInt8Image

LONG_SIDE: Final = 1600
WINDOW: Final = (1600, 1200)  # of photos whose pixels are used as they are
LEAST_WINDOWED: Final = 2000  # pixels of the longer side, from which windows are cut
FACES: Final = (2, 3, 5, 10)  # whose entries are hidden, in turn
MOST_BASE: Final = 255  # bytes that an entry of the base layer can have
FEW: Final = 3  # faces, in modes in which not the whole picture carries
MODES: Final[tuple[Region, ...]] = tuple(region for region in REGIONS if region != "photo")
BOX_SIDE: Final = 200  # pixels of their boxes
EXACT_SIDE: Final = 128  # pixels of exactly hidden faces
BACK: Final = 30.0  # dB at which a face counts as brought back

AS_SENT: Final = through_size_limit(400_000, 90, 85)
"""How share copies are saved before they are sent."""

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A picture to be measured: a photo reduced to the usual size, or a window of it as it is."""

    path: Path
    window: tuple[int, int] | None = None  # row and column

    @property
    def name(self) -> str:
        """The file, and for a window which one."""
        return self.path.name if self.window is None else f"{self.path.name}#{self.window[0]},{self.window[1]}"

    def read(self) -> UInt8Image:
        """Return the pixels, (H, W, 3)."""
        rgb = read_picture(self.path).rgb
        if self.window is None:
            scale = LONG_SIDE / max(rgb.shape[:2])
            size = round(rgb.shape[1] * scale), round(rgb.shape[0] * scale)
            return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        width, height = _window_of(rgb.shape[1], rgb.shape[0])
        top, left = self.window[0] * height, self.window[1] * width
        return np.ascontiguousarray(rgb[top : top + height, left : left + width])


def sources(folder: Path) -> list[Source]:
    """Return the pictures that the photos of a folder give: all whole ones, then the first window of each, and so on.

    Photos of less than `LONG_SIDE` pixels, and those that are copies of others (``derived...``), are left out.
    """
    whole, windows = [], []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("derived") or path.suffix.lower() not in (".jpg", ".jpeg", ".png"):
            continue
        with Image.open(path) as image:
            width, height = image.size
        if max(width, height) < LONG_SIDE:
            continue
        whole.append(Source(path))
        across, down = (side // part for side, part in zip((width, height), _window_of(width, height), strict=True))
        if max(width, height) >= LEAST_WINDOWED:
            windows += [
                (row * across + column, Source(path, (row, column))) for row in range(down) for column in range(across)
            ]
    return whole + [source for _, source in sorted(windows, key=lambda each: each[0])]


def _window_of(width: int, height: int) -> tuple[int, int]:
    return WINDOW if width >= height else (WINDOW[1], WINDOW[0])


def whole_photo(picture: UInt8Image, number: int, base: float, fine: float) -> Record:
    """Hide random entries in all of a picture, at rates in bytes per megapixel, and read them after each channel.

    Channels that the fine layer is made for are also measured on the copy as PNG, which has not been compressed before.
    """
    rng = np.random.default_rng(number)
    height, width = picture.shape[:2]
    count, megapixels = FACES[number % len(FACES)], width * height / 1e6
    boxes = [Box(64 * each, 64, 60, 60) for each in range(count)]
    listed = tuple(unplanned_face(box, 0, 1) for box in boxes)
    planned = with_lengths(ShareDirectory(width, height, "photo", rng.bytes(16), 3, 16, 4, listed))
    length = min(MOST_BASE, int(base * megapixels / count))
    lengths = max(planned.faces[0].base_bytes, length), int(fine * megapixels / count)
    directory = replace(planned, faces=tuple(SharedFace(box, 0, *lengths) for box in boxes))
    has_base = planned.faces[0].base_bytes > 0
    return {**_layer(picture, directory, rng, FINE_CHANNELS), "has_base": has_base}


def around_faces(picture: UInt8Image, number: int, region: Region) -> Record:
    """Hide random entries in or around boxes side by side, as many bytes as the program does; read them likewise."""
    rng = np.random.default_rng(number)
    height, width = picture.shape[:2]
    left, top = ((np.arange(FEW) + 0.5) * width / FEW - BOX_SIDE / 2), (height - BOX_SIDE) / 2
    boxes = [Box(int(x) // 4 * 4, int(top) // 4 * 4, BOX_SIDE, BOX_SIDE) for x in left]
    faces = tuple(unplanned_face(box, 0, 1) for box in boxes)
    directory = with_lengths(ShareDirectory(width, height, region, rng.bytes(16), 3, 16, 4, faces))
    return {**_layer(picture, directory, rng), "has_base": directory.faces[0].base_bytes > 0}


def bytes_of_each(side: int, count: int, region: Region, size: tuple[int, int]) -> tuple[int, int] | None:
    """Return the bytes that the program hides of each of some faces in square boxes, in the fine and in the base layer.

    Args:
        side: of the boxes, in pixels.
        count: number of faces, spread evenly over the picture in rows of up to five.
        region: what carries them.
        size: (width, height) of the picture.

    Returns:
        Without tags; None if there is no room.
    """
    width, height = size
    across = min(count, 5)
    down = -(-count // across)
    faces = []
    for each in range(count):
        middle = (each % across + 0.5) * width / across, (each // across + 0.5) * height / down
        left, top = (
            min(max(0, round(at - side / 2)), end - side) // 4 * 4 for at, end in zip(middle, size, strict=True)
        )
        faces.append(unplanned_face(Box(left, top, side // 4 * 4, side // 4 * 4), 0, 1))
    try:
        planned = with_lengths(ShareDirectory(width, height, region, bytes(16), 3, 16, 4, tuple(faces)))
    except UsageError:
        return None
    face = planned.faces[0]
    return face.fine_bytes - ENTRY_TAG_BYTES, max(0, face.base_bytes - ENTRY_TAG_BYTES)


def _layer(
    picture: UInt8Image,
    directory: ShareDirectory,
    rng: np.random.Generator,
    as_png: Mapping[str, Step] = MappingProxyType({}),
) -> Record:
    entries = [ShareEntry(rng.bytes(face.base_bytes), rng.bytes(face.fine_bytes)) for face in directory.faces]
    shared = write_layer(picture, directory, entries)
    sent = AS_SENT(shared)
    right, seconds = {}, []
    for name, channel in CHANNELS.items():
        received = channel(sent)
        start = time.process_time()
        found = find_layer(received)
        seconds.append(time.process_time() - start)
        right[name] = _read_right(found, directory, entries)
    return {
        "faces": len(directory.faces),
        "base_bytes": directory.faces[0].base_bytes,
        "fine_bytes": directory.faces[0].fine_bytes,
        "psnr": round(psnr(shared, picture), 3),
        "ssim": round(ssim(shared, picture), 5),
        "box_psnr": round(float(np.mean([psnr(cut(shared, f.box), cut(picture, f.box)) for f in directory.faces])), 3),
        "sent_psnr": round(psnr(sent, picture), 3),
        "right": right,
        "png": {name: _read_right(find_layer(each(shared)), directory, entries) for name, each in as_png.items()},
        "seconds": [round(each, 3) for each in seconds],
    }


def _read_right(found: FoundLayer | None, directory: ShareDirectory, entries: Sequence[ShareEntry]) -> list[bool]:
    """Return whether directory, base layer and fine layer came back, each with every byte."""
    if found is None or found.directory != directory:
        return [False] * 3
    base = entries[0].base != b"" and found.base == tuple(entry.base for entry in entries)
    return [True, base, found.fine == tuple(entry.fine for entry in entries)]


def nothing_hidden(picture: UInt8Image) -> Record:
    """Look for a layer where there is none, in the picture and in a JPEG of it."""
    return {"false": sum(find_layer(each) is not None for each in (picture, AS_SENT(picture)))}


def wrong_keys(tried: int = 10_000) -> Record:
    """Hide a face under a passphrase, at the least cost of Argon2id, and try others on what anybody reads."""
    method, rng = ShareMethod(), np.random.default_rng(1)
    side = method.least_side
    grey = np.full((side, side, 3), 128, np.uint8)
    found = find_layer(method.protect(grey, grey, rng.bytes(KEY_BYTES)))
    assert found is not None
    assert found.fine is not None
    opened, deriver = 0, KekDeriver()
    for _ in range(tried):
        credentials = Credentials(passphrases=(rng.bytes(KEY_BYTES).hex(),))
        for key in opened_face_keys(found.directory, credentials, deriver)[0]:
            with contextlib.suppress(WrongKeyError):
                decrypt_entry(key, "fine", found.fine[0])
                opened += 1
    return {"tried": tried, "opened": opened}


def exact_systems(picture: UInt8Image, number: int, methods: Sequence[Method], faces: Sequence[FaceSample]) -> Record:
    """Hide faces exactly in a picture, recover them after each channel from the places where they were hidden.

    The places are known to the reader, also after a resize, a crop and a screenshot.  ``untouched`` counts faces whose
    samples all arrived, which is what opens a seal.
    """
    rng = np.random.default_rng(number)
    height, width = picture.shape[:2]
    chosen = [faces[(number * len(methods) + each) % len(faces)] for each in range(len(methods))]
    boxes = [
        Box(
            int(rng.integers(left, left + 200)),
            int(rng.integers(120, height - EXACT_SIDE - 120)),
            EXACT_SIDE,
            EXACT_SIDE,
        )
        for left in np.linspace(120, width - EXACT_SIDE - 330, len(methods)).astype(int)
    ]
    keys = [evaluation_key(number, method.name) for method in methods]
    covers = [make_cover(face, "blur", faces) for face in chosen]
    protected = [
        method.protect(face.image, cover, key)
        for method, face, cover, key in zip(methods, chosen, covers, keys, strict=True)
    ]
    shared = paste_all(picture, list(zip(boxes, protected, strict=True)))
    found: dict[str, dict[str, float]] = {}
    untouched = {}
    for name, channel in CHANNELS.items():
        received = straightened(name, channel(shared), (width, height))
        regions = [cut(received, box) for box in boxes]
        untouched[name] = sum(np.array_equal(*each) for each in zip(regions, protected, strict=True))
        found[name] = {
            method.name: round(min(psnr(method.recover(region, key), face.image), 99.0), 2)
            for method, region, key, face in zip(methods, regions, keys, chosen, strict=True)
        }
    return {"faces": len(boxes), "untouched": untouched, "decibels": found}


def straightened(name: str, received: UInt8Image, size: tuple[int, int]) -> UInt8Image:
    """Return what a channel has left of a picture at its old size, as if a reader knew exactly what the channel did."""
    width, height = size
    if received.shape[:2] == (height, width):
        return received
    if name.startswith("cropped"):
        left, top, right, bottom = CROP
        return np.pad(received, ((top, bottom), (left, right), (0, 0)))
    if "screenshot" in name:
        scale = min(received.shape[1] / width, received.shape[0] / height)
        wide, high = round(width * scale), round(height * scale)
        left, top = (received.shape[1] - wide) // 2, (received.shape[0] - high) // 2
        received = received[top : top + high, left : left + wide]
    return np.asarray(cv2.resize(received, size, interpolation=cv2.INTER_CUBIC), np.uint8)
