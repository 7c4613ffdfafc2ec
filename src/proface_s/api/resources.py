"""What a session works with: detector, models and limits, each loaded once, on first use."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import Any, Final, Self

from ..errors import UsageError
from ..faces import DEFAULT_DETECTOR, Detector, open_detector
from ..flow.cards import DEFAULT_MODEL
from ..flow.model import Model
from ..flow.registry import Models
from ..image.read import MAX_PIXELS
from ..keys.derive import KdfLimits
from ..threads import threads_to_use
from ..types import Picture
from .face_search import USUAL_SEARCH, FaceSearch, FoundFaces, find_faces

_MOST_SEARCHING: Final = 16  # detectors with settings of their own that are kept


class DetectorAndModels:
    """A detector and models, each opened on first use and kept.

    Args:
        detector: the face detector, or the name of one (`proface_s.faces.detector_names`).
        model: the model for new pictures, or its name.
        threads: to work with; 0 for all cores.
    """

    def __init__(self, detector: Detector | str, model: Model | str, threads: int) -> None:
        self._detector, self._model, self._threads = detector, model, threads

    def __getstate__(self) -> dict[str, Any]:
        """Return the settings without what was opened: another process opens its own."""
        return {
            name: value for name, value in self.__dict__.items() if name not in ("detector", "models", "_searching")
        }

    @property
    def threads(self) -> int:
        """How many threads to work with."""
        return threads_to_use(self._threads)

    @cached_property
    def detector(self) -> Detector:
        """The face detector in use, opened on first use.

        Raises:
            UsageError: if the session was given a name, and no detector of that name can be opened.
        """
        if isinstance(self._detector, str):
            return open_detector(self._detector, self._threads)
        return self._detector

    def detector_for(self, search: FaceSearch) -> Detector:
        """Return the detector to search with; each is opened once.

        Raises:
            UsageError: if no detector of its name can be opened, or settings are asked of a detector that was given as
                an object and has its own.
        """
        if (search.detector, search.threshold, search.thorough) == (None, None, False):
            return self.detector
        name = search.detector or self._detector
        if not isinstance(name, str):
            raise UsageError("a detector that is given as an object has its own threshold and looks")
        key = (name, search.threshold, search.thorough)
        found = self._searching.get(key)
        if found is None:
            if len(self._searching) >= _MOST_SEARCHING:
                self._searching.clear()
            found = open_detector(name, self._threads, threshold=search.threshold, thorough=search.thorough)
            self._searching[key] = found
        return found

    @cached_property
    def _searching(self) -> dict[tuple[str, float | None, bool], Detector]:
        """Detectors that were opened for searches with settings of their own."""
        return {}

    @cached_property
    def models(self) -> Models:
        """Models that were used so far, and the others by name or id."""
        return Models(self._model, self._threads)

    @property
    def model_name(self) -> str:
        """The name of the model for new pictures, which is not opened."""
        return self._model if isinstance(self._model, str) else self._model.card.name

    @property
    def model(self) -> Model:
        """The model for new pictures."""
        return self.models.named()


class Resources(DetectorAndModels):
    """Detector, models and limits; arguments as in `Session`."""

    def __init__(
        self,
        *,
        detector: Detector | str = DEFAULT_DETECTOR,
        model: Model | str = DEFAULT_MODEL,
        threads: int = 0,
        max_pixels: int = MAX_PIXELS,
        limits: KdfLimits | None = None,
    ) -> None:
        super().__init__(detector, model, threads)
        self.max_pixels, self.limits = max_pixels, limits

    def limited(self, limits: KdfLimits) -> Self:
        """Return a session like this one that spends at most so much on the keys of a file."""
        other = copy(self)
        other.limits = limits
        return other

    def find(self, picture: Picture, search: FaceSearch = USUAL_SEARCH) -> FoundFaces:
        """Detect the faces of a picture."""
        return find_faces(self.detector_for(search), picture)
