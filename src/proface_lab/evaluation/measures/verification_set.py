"""Verification through a method: every probe's face is covered, protected, recovered, and opened with a wrong key.

::

    pairs ─► pictures ─► place (dlib), region (our detector) ─► cut ─ cover, protect, recover ─ paste ─► recogniser
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from proface_s.errors import ImageError, NoFaceError
from proface_s.faces import Detector, EngineDetector
from proface_s.faces.boxes import reversible_box
from proface_s.faces.detection_check import detected_faces
from proface_s.image.read import read_picture
from proface_s.image.regions import cut, paste
from proface_s.types import Box, FloatArray, UInt8Image

from ...pictures import identity_of
from ..faces import OTHER_FACE, FaceSample, Omission, make_cover, resized
from ..method import Method
from .quality import evaluation_key, through_png
from .recognisers import FaceLocation, Locator, Recogniser
from .verification import FARS, Gallery, Pair, Thresholds, fix_thresholds, verification_row

PROBES: Final = ("protected", "recovered", "wrong")


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One picture of a verification set.

    Attributes:
        picture: (H, W, 3) uint8 RGB, the whole picture.
        place: location of the face for recognisers.
        region: the region that is protected.
    """

    picture: UInt8Image
    place: FaceLocation
    region: Box

    def with_face(self, face: UInt8Image) -> UInt8Image:
        """Return the picture with its region replaced."""
        return paste(self.picture, self.region, face)


@dataclass(slots=True, eq=False)
class VerificationSet:
    """Pairs and their pictures, with the recognisers' embeddings and thresholds from the originals.

    Attributes:
        pairs: pairs of which both pictures are usable.
        subjects: path -> picture.
        galleries: one per recogniser.
        thresholds: one per recogniser.
        seed: for keys and intervals.
    """

    pairs: list[Pair]
    subjects: dict[str, Subject]
    galleries: list[Gallery]
    thresholds: list[Thresholds]
    seed: int
    _samples: list[FaceSample] = field(default_factory=list)

    @property
    def probes(self) -> list[str]:
        """Paths of the second pictures of the pairs, without repeats."""
        return sorted({pair.b for pair in self.pairs})

    def cover(self, name: str, style: str) -> UInt8Image:
        """Make the cover of a picture's region."""
        region = cut(self.subjects[name].picture, self.subjects[name].region)
        if style != OTHER_FACE:
            return make_cover(FaceSample(Path(name), name, name, region), style, [])
        side = max(region.shape[:2])
        self._samples = self._samples or [
            FaceSample(Path(n), n, identity_of(Path(n), Path()), resized(cut(s.picture, s.region), 256))
            for n, s in self.subjects.items()
        ]
        own = next(sample for sample in self._samples if sample.name == name)
        other = resized(make_cover(own, OTHER_FACE, self._samples), side)
        return np.ascontiguousarray(other[: region.shape[0], : region.shape[1]])

    def rows(self, probes: dict[str, dict[str, dict[str, FloatArray]]]) -> dict[str, Any]:
        """Turn probe -> recogniser -> path -> embedding into probe -> recogniser -> `verification_row`."""
        return {
            kind: {
                gallery.recogniser.name: verification_row(
                    gallery, self.pairs, of_recogniser[gallery.recogniser.name], thresholds, self.seed
                )
                for gallery, thresholds in zip(self.galleries, self.thresholds, strict=True)
            }
            for kind, of_recogniser in probes.items()
        }


def load_verification_set(
    pairs: Sequence[Pair],
    root: Path,
    recognisers: Sequence[Recogniser],
    seed: int,
    *,
    omitted: list[Omission] | None = None,
    advance: Callable[[], None] = lambda: None,
    locator: Locator | None = None,
    detector: Detector | None = None,
) -> VerificationSet:
    """Read all pictures of a set and embed them.

    Args:
        pairs: from `read_pairs`.
        root: folder of their paths.
        recognisers: at least one.
        seed: for keys and intervals.
        omitted: list to which unreadable and faceless pictures are appended; their pairs are left out.
        advance: called once per picture.
        locator: dlib's if None.
        detector: the default detector if None.

    Raises:
        NoFaceError: if no pair is left.
        UsageError: if too few pairs are left.
    """
    omitted = [] if omitted is None else omitted
    locator, detector = locator or Locator(), detector or EngineDetector(tiles=False, turned=False)
    subjects: dict[str, Subject] = {}
    for name in sorted({name for pair in pairs for name in (pair.a, pair.b)}):
        found = _subject(root / name, name, locator, detector)
        if isinstance(found, Omission):
            omitted.append(found)
        else:
            subjects[name] = found
        advance()
    kept = [pair for pair in pairs if pair.a in subjects and pair.b in subjects]
    if not kept:
        example = f"{omitted[0].name}: {omitted[0].reason}" if omitted else "there is none"
        raise NoFaceError(f"no pair of the verification set can be used, such as {example}", code="no-pairs")
    galleries = [Gallery(each, _embed(each, subjects)) for each in recognisers]
    return VerificationSet(kept, subjects, galleries, [fix_thresholds(g, kept) for g in galleries], seed)


def measure_originals(chosen: VerificationSet) -> dict[str, Any]:
    """Measure the originals: the best that the recognisers can do, and their thresholds."""
    probes = {"original": {g.recogniser.name: dict(g.embeddings) for g in chosen.galleries}}
    found = chosen.rows(probes)
    found["thresholds"] = {
        g.recogniser.name: {"best": round(t.best, 5), "impostors": t.impostors}
        | {f"far@{far:g}": round(t.at_far[far], 5) for far in FARS}
        for g, t in zip(chosen.galleries, chosen.thresholds, strict=True)
    }
    return found


def measure_covers(chosen: VerificationSet, style: str, advance: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Measure a style's covers with nothing hidden in them: the control."""
    return chosen.rows(_embedded(chosen, ("cover",), lambda name: (chosen.cover(name, style),), advance))


def measure_method(
    chosen: VerificationSet, method: Method, style: str, advance: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Measure protected, recovered and wrongly recovered faces, stored as 8-bit files."""

    def faces(name: str) -> tuple[UInt8Image, ...]:
        subject = chosen.subjects[name]
        right, wrong = (evaluation_key(chosen.seed, method.name, style, name, which) for which in ("right", "wrong"))
        original = cut(subject.picture, subject.region)
        protected = through_png(method.protect(original, chosen.cover(name, style), right))
        return protected, through_png(method.recover(protected, right)), method.recover(protected, wrong)

    return chosen.rows(_embedded(chosen, PROBES, faces, advance))


def _embedded(
    chosen: VerificationSet,
    kinds: Sequence[str],
    faces: Callable[[str], Iterable[UInt8Image]],
    advance: Callable[[], None],
) -> dict[str, dict[str, dict[str, FloatArray]]]:
    found: dict[str, dict[str, dict[str, FloatArray]]] = {
        kind: {gallery.recogniser.name: {} for gallery in chosen.galleries} for kind in kinds
    }
    for name in chosen.probes:
        subject = chosen.subjects[name]
        pictures = [subject.with_face(face) for face in faces(name)]
        for (kind, picture), gallery in itertools.product(zip(kinds, pictures, strict=True), chosen.galleries):
            embedding = gallery.recogniser.embed(picture, subject.place)
            if embedding is not None:
                found[kind][gallery.recogniser.name][name] = embedding
        advance()
    return found


def _subject(path: Path, name: str, locator: Locator, detector: Detector) -> Subject | Omission:
    try:
        picture = read_picture(path).rgb
    except ImageError as error:
        return Omission(name, error.message.replace(str(path), name))
    place = locator.locate(picture)
    if place is None:
        return Omission(name, "no face found by dlib")
    x, y = place.box.x + place.box.w / 2, place.box.y + place.box.h / 2
    for face in detected_faces(detector, picture):
        box = face.box
        if box.x <= x < box.right and box.y <= y < box.bottom:
            return Subject(picture, place, reversible_box(box, (picture.shape[1], picture.shape[0])))
    return Omission(name, "no face found by the detector where dlib sees one")


def _embed(recogniser: Recogniser, subjects: dict[str, Subject]) -> dict[str, FloatArray]:
    found = {name: recogniser.embed(each.picture, each.place) for name, each in subjects.items()}
    return {name: embedding for name, embedding in found.items() if embedding is not None}
