"""JPEG files of every kind that can be edited, drawn by the test, and two decoders that know nothing of the package."""

from __future__ import annotations

import io
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

SAMPLINGS = {"4:4:4": 0x111111, "4:2:2": 0x211111, "4:2:0": 0x221111, "4:4:0": 0x121111, "4:1:1": 0x411111}
ORIENTATION = 0x0112


def drawing(width: int, height: int, seed: int = 3) -> npt.NDArray[np.uint8]:
    """Smooth colours with edges and a little noise: (height, width, 3) uint8."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = [128 + 90 * np.sin(x / (9 + 4 * number)) * np.cos(y / (11 + 3 * number)) for number in range(3)]
    picture = np.stack(planes, -1) + random.normal(0, 4, (height, width, 3))
    picture[height // 3 : height // 2, width // 4 : width // 2] = (250, 20, 90)
    return np.clip(picture, 0, 255).astype(np.uint8)


def jpeg_file(
    width: int = 75,
    height: int = 53,
    *,
    sampling: str = "4:2:0",
    progressive: bool = False,
    restart: int = 0,
    orientation: int = 1,
    quality: int = 92,
    seed: int = 3,
) -> bytes:
    """A JPEG file that OpenCV has written; ``sampling`` may be ``"grey"``."""
    picture = drawing(width, height, seed)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    options += [cv2.IMWRITE_JPEG_RST_INTERVAL, restart]
    if sampling == "grey":
        picture = picture[..., 0]
    else:
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[sampling]]
    done, data = cv2.imencode(".jpg", picture, options)
    assert done
    return with_orientation(data.tobytes(), orientation)


def with_orientation(data: bytes, orientation: int) -> bytes:
    """The file with an EXIF block that holds an orientation, written by Pillow."""
    if orientation == 1:
        return data
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    block = tags.tobytes()
    return data[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + data[2:]


def kinds() -> Iterator[tuple[str, dict[str, object]]]:
    """Names and arguments of `jpeg_file` for every sampling, process, restart interval and a few odd sizes."""
    for sampling in (*SAMPLINGS, "grey"):
        for progressive in (False, True):
            for restart in (0, 3):
                name = f"{sampling}-{'progressive' if progressive else 'baseline'}-{restart}"
                yield name, {"sampling": sampling, "progressive": progressive, "restart": restart}
    for size in ((1, 1), (8, 8), (16, 16), (17, 33), (65, 2)):
        yield f"{size[0]}x{size[1]}", {"width": size[0], "height": size[1]}


def pillow_pixels(data: bytes) -> npt.NDArray[np.uint8]:
    """What Pillow decodes, not turned."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return np.asarray(image)


def opencv_pixels(data: bytes) -> npt.NDArray[np.uint8]:
    """What OpenCV decodes, not turned."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def pillow_frame(data: bytes) -> tuple[object, ...]:
    """What Pillow says of a file: size, mode, quantisation tables, sampling, progressive, profile."""
    image = Image.open(io.BytesIO(data))
    tables = {number: tuple(table) for number, table in image.quantization.items()}  # type: ignore[attr-defined]
    info = image.info
    return image.size, image.mode, tables, image.layer, info.get("progressive"), info.get("icc_profile")  # type: ignore[attr-defined]
