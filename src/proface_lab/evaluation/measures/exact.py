"""Bit-equality through the whole program: protect -> file with a seal -> recover -> file; a wrong key is refused."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from proface_s.api import Session
from proface_s.errors import ImageError, NoFaceError, WrongKeyError
from proface_s.image.read import read_picture

from ..faces import FaceSample, Omission

PASSPHRASE, WRONG = "measured on stored files", "measured on stored filet"
SUFFIXES: Final = ("png", "webp", "tiff")


def measure_samples(
    samples: Sequence[FaceSample], style: str = "blur", advance: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Measure faces as whole pictures, hidden completely; PNG, WebP and TIFF in turn."""
    session, rows = Session(), []
    with tempfile.TemporaryDirectory() as folder:
        for number, sample in enumerate(samples):
            path = Path(folder) / f"{number}.png"
            Image.fromarray(sample.image).save(path)
            side = sample.image.shape[0]
            options = {"boxes": [f"0,0,{side},{side}"], "faces": "none"}
            rows.append(_through_files(session, path, Path(folder), style, SUFFIXES[number % 3], options))
            advance()
    return _totals(rows)


def measure_photos(
    paths: Sequence[Path],
    style: str = "blur",
    omitted: list[Omission] | None = None,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Measure whole photos with the faces that the detector finds; unreadable and faceless photos are omitted."""
    session, rows, omitted = Session(), [], [] if omitted is None else omitted
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            try:
                rows.append(_through_files(session, path, Path(folder), style, "png", {}))
            except NoFaceError:
                omitted.append(Omission(path.name, "no face found"))
            except ImageError as error:
                omitted.append(Omission(path.name, error.message.replace(str(path), path.name)))
            advance()
    return _totals(rows)


def _through_files(
    session: Session, path: Path, folder: Path, style: str, suffix: str, options: dict[str, Any]
) -> dict[str, float]:
    original = read_picture(path).rgb
    sealed, back, wrong = (folder / f"{name}.{suffix}" for name in ("sealed", "back", "wrong"))
    started = time.perf_counter()
    done = session.protect(path, PASSPHRASE, style=style, output=sealed, overwrite=True, **options)
    between = time.perf_counter()
    found = session.recover(sealed, PASSPHRASE, output=back, overwrite=True)
    ended = time.perf_counter()
    try:
        session.recover(sealed, WRONG, output=wrong, overwrite=True)
        refused = False
    except WrongKeyError:
        refused = not wrong.exists()
    exact = np.array_equal(read_picture(back).rgb, original)
    return {
        "exact": exact and all(face.outcome == "exact" for face in found.faces),
        "refused": refused,
        "faces": len(done.faces),
        "protect": between - started,
        "recover": ended - between,
        "megapixels": original.shape[0] * original.shape[1] / 1e6,
    }


def _totals(rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    def median(name: str, digits: int) -> float | None:
        return round(float(np.median([row[name] for row in rows])), digits) if rows else None

    return {
        "pictures": len(rows),
        "faces": int(sum(row["faces"] for row in rows)),
        "exact": int(sum(row["exact"] for row in rows)),
        "wrong_key_refused": int(sum(row["refused"] for row in rows)),
        "protect_seconds": median("protect", 3),
        "recover_seconds": median("recover", 3),
        "megapixels": median("megapixels", 2),
    }
