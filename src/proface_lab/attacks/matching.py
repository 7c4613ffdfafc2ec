"""Whether independent recognisers can match an attacker's picture with the hidden face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from proface_s.errors import UsageError
from proface_s.types import UInt8Image

from ..evaluation.faces import FaceSample, resized
from ..evaluation.measures.metrics import threshold_at_far
from ..evaluation.measures.recognisers import FaceLocation, Locator, Recogniser

FAR: Final = 0.01
FEWEST: Final = 12  # minimum number of faces for a threshold at that rate


class Matcher:
    """Compare pictures with the originals of a gallery; the threshold comes from originals of different people.

    The genuine comparison is with the *same* photo, which is easier than with another photo of the person: rates are
    upper bounds of what an attacker achieves.

    Args:
        recognisers: at least one.
        faces: the gallery; the position of each face is taken from the original.

    Raises:
        UsageError: if there is no recogniser, or a face is found in too few pictures.
    """

    def __init__(self, recognisers: Sequence[Recogniser], faces: Sequence[FaceSample]) -> None:
        if not recognisers:
            raise UsageError("no recogniser was given")
        locator = Locator()
        places = {face.name: locator.locate(face.image) for face in faces}
        self._places: dict[str, FaceLocation] = {name: place for name, place in places.items() if place is not None}
        self._side = faces[0].image.shape[0]
        self._recognisers = recognisers
        gallery = [face for face in faces if face.name in self._places]
        if len(gallery) < FEWEST:
            raise UsageError(
                f"recognisers need {FEWEST} faces that they find, and there are {len(gallery)}",
                code="more-pictures",
            )
        self._names = [face.name for face in gallery]
        self._gallery, self._thresholds = {}, {}
        people = np.array([face.identity for face in gallery])
        for each in recognisers:
            vectors = np.stack([self._embed(each, face.name, face.image) for face in gallery])
            scores = each.similarities(vectors, vectors)
            others = scores[people[:, None] != people[None]]
            self._gallery[each.name] = vectors
            self._thresholds[each.name] = threshold_at_far(others.astype(np.float64), FAR)

    def rates(self, names: Sequence[str], pictures: Sequence[UInt8Image]) -> dict[str, dict[str, float]]:
        """Return per recogniser ``tar`` at FAR 1e-2, ``rank1`` and the number of ``faces`` in which one was found.

        Args:
            names: names of the faces that the pictures should show.
            pictures: (S, S, 3) uint8 each, of any size.
        """
        kept = [(self._names.index(n), n, p) for n, p in zip(names, pictures, strict=True) if n in self._places]
        if not kept:
            return {}
        found = {}
        own = np.array([index for index, _, _ in kept])
        for each in self._recognisers:
            probes = np.stack([self._embed(each, name, picture) for _, name, picture in kept])
            scores = each.similarities(probes, self._gallery[each.name])
            genuine = scores[np.arange(len(own)), own]
            found[each.name] = {
                "tar": round(float((genuine >= self._thresholds[each.name]).mean()), 4),
                "rank1": round(float((scores.argmax(axis=1) == own).mean()), 4),
                "faces": float(len(own)),
            }
        return found

    def _embed(self, recogniser: Recogniser, name: str, picture: UInt8Image) -> np.ndarray:
        vector = recogniser.embed(resized(picture, self._side), self._places[name])
        assert vector is not None, "a place was given"
        return vector
