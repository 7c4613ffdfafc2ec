"""Quality of protection, recovery and wrong recovery, face by face, by either protocol."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from PIL import Image

from proface_s.errors import ProFaceError, UsageError
from proface_s.image.measures import psnr
from proface_s.types import FloatArray, UInt8Image

from ..faces import FaceSample, make_cover
from ..method import KEY_BYTES, FloatMethod, Method
from .metrics import Image as AnyImage
from .metrics import mean_and_p5, ms_ssim, ssim
from .perceptual import Perceptual

MeasurementProtocol = Literal["stored", "float"]
ShownPicture = UInt8Image | FloatArray

COMPARISONS: Final = {  # name -> (picture, reference)
    "protected": ("protected", "cover"),
    "recovered": ("recovered", "original"),
    "wrong_original": ("wrong", "original"),
    "wrong_cover": ("wrong", "cover"),
    "cover": ("cover", "original"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One face, protected and recovered by one method.

    Attributes:
        sample: the face.
        cover: its cover.
        protected: the protected face as stored, or floats by the paper's protocol.
        recovered: the face recovered with the right key.
        wrong: the result of a wrong key.
        seconds: to protect, and to recover.
    """

    sample: FaceSample
    cover: UInt8Image
    protected: ShownPicture
    recovered: ShownPicture
    wrong: ShownPicture
    seconds: tuple[float, float]

    def picture(self, name: str) -> ShownPicture:
        """Return a picture by name: original, cover, protected, recovered or wrong."""
        found: ShownPicture = self.sample.image if name == "original" else getattr(self, name)
        return found


def evaluation_key(seed: int, *context: str) -> bytes:
    """Derive a 32-byte key from the seed, so that a report is reproducible.  For measurements only."""
    text = "/".join(("proface evaluation", str(seed), *context))
    return hashlib.sha256(text.encode()).digest()[:KEY_BYTES]


def through_png(picture: UInt8Image) -> UInt8Image:
    """Write a picture as PNG and read it back."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return np.asarray(Image.open(buffer).convert("RGB"), np.uint8)


def run_trial(
    method: Method, sample: FaceSample, cover: UInt8Image, protocol: MeasurementProtocol, seed: int, style: str = ""
) -> Trial:
    """Protect, store, and recover with the right key and with a wrong one.

    With the protocol ``float`` nothing is rounded; recovered pictures are clamped to [0, 1], never normalised.

    Raises:
        TypeError: if the protocol is ``float`` and the method is not a `FloatMethod`.
        UsageError: if the method fails, or returns anything but a picture of the face's shape.
    """
    if protocol == "float" and not isinstance(method, FloatMethod):
        raise TypeError(f"{method.name} works on 8-bit pictures only")
    right, other = (evaluation_key(seed, method.name, style, sample.name, which) for which in ("right", "wrong"))
    try:
        if protocol == "float" and isinstance(method, FloatMethod):
            found = _float_steps(method, sample.image, cover, right, other)
        else:
            found = _stored_steps(method, sample.image, cover, right, other)
    except ProFaceError:
        raise
    except Exception as error:  # raised by third-party code
        raise UsageError(f"{method.name} failed on {sample.name}: {type(error).__name__}: {error}") from error
    protected, recovered, wrong, seconds = found
    for picture in (protected, recovered, wrong):
        if picture.shape != cover.shape or picture.dtype != (np.uint8 if protocol == "stored" else np.float32):
            raise UsageError(
                f"{method.name} returned {picture.dtype} of shape {picture.shape} for a face of shape {cover.shape}"
            )
    return Trial(sample, cover, protected, recovered, wrong, seconds)


_Steps = tuple[ShownPicture, ShownPicture, ShownPicture, tuple[float, float]]


def _stored_steps(method: Method, original: UInt8Image, cover: UInt8Image, right: bytes, other: bytes) -> _Steps:
    started = time.perf_counter()
    protected = method.protect(original, cover, right)
    between = time.perf_counter()
    kept = through_png(protected) if protected.shape == cover.shape else protected
    reading = time.perf_counter()
    recovered = method.recover(kept, right)
    done = time.perf_counter()
    return kept, recovered, method.recover(kept, other), (between - started, done - reading)


def _float_steps(method: FloatMethod, original: UInt8Image, cover: UInt8Image, right: bytes, other: bytes) -> _Steps:
    started = time.perf_counter()
    protected = method.protect_float(original, cover, right)
    between = time.perf_counter()
    recovered = method.recover_float(protected, right)
    done = time.perf_counter()
    wrong = method.recover_float(protected, other)
    return protected, np.clip(recovered, 0, 1), np.clip(wrong, 0, 1), (between - started, done - between)


def measure_trial(trial: Trial, perceptual: Perceptual | None = None) -> dict[str, dict[str, float]]:
    """Return all measures of all `COMPARISONS`: comparison -> measure -> value."""
    return {
        name: _compare(_unit(trial.picture(a)), _unit(trial.picture(b)), perceptual)
        for name, (a, b) in COMPARISONS.items()
    }


def trials(
    method: Method, samples: Sequence[FaceSample], style: str, protocol: MeasurementProtocol, seed: int
) -> Iterator[Trial]:
    """Yield one trial per face."""
    for sample in samples:
        yield run_trial(method, sample, make_cover(sample, style, samples), protocol, seed, style)


def measure_quality(
    method: Method,
    samples: Sequence[FaceSample],
    style: str,
    protocol: MeasurementProtocol,
    seed: int,
    perceptual: Perceptual | None = None,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Measure mean and 5th percentile of every measure over the faces, and median seconds.

    Returns:
        ``{"faces": N, "seconds": {"protect", "recover"}, comparison: {measure: {"mean", "p5"}}}``.
    """
    rows, times = [], []
    for trial in trials(method, samples, style, protocol, seed):
        rows.append(measure_trial(trial, perceptual))
        times.append(trial.seconds)
        advance()
    protecting, recovering = np.median(np.array(times), axis=0)
    found: dict[str, Any] = {
        "faces": len(rows),
        "seconds": {"protect": round(float(protecting), 4), "recover": round(float(recovering), 4)},
    }
    for name in COMPARISONS:
        found[name] = {measure: mean_and_p5([row[name][measure] for row in rows]) for measure in rows[0][name]}
    return found


def _compare(a: AnyImage, b: AnyImage, perceptual: Perceptual | None) -> dict[str, float]:
    found = {"psnr": psnr(a, b, 1.0), "ssim": ssim(a, b, 1.0)}
    scales = ms_ssim(a, b, 1.0)
    if scales is not None:
        found["ms_ssim"] = scales
    if perceptual is not None:
        found[perceptual.name] = perceptual.distance(a, b)
    return found


def _unit(picture: ShownPicture) -> AnyImage:
    return picture.astype(np.float64) / 255 if picture.dtype == np.uint8 else picture.astype(np.float64)
