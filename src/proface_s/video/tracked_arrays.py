"""Follow the faces of a stream of arrays, which wait until their boxes are settled."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from ..faces import Detector
from ..types import Box, UInt8Image
from .clock import DEFAULT_RATE
from .lookout import Lookout
from .tracking import INTERVAL, LOOK_AHEAD, Tracker


def tracked(
    frames: Iterable[UInt8Image],
    detector: Detector,
    interval: float = INTERVAL,
    look_ahead: float = LOOK_AHEAD,
    rate: float = DEFAULT_RATE,
) -> Iterator[tuple[UInt8Image, list[Box]]]:
    """Yield the frames with the tight boxes of their faces.

    If the source fails, the frames before are yielded first.

    Args:
        frames: (H, W, 3) uint8 RGB, all of one shape; those of ``look_ahead`` and two more are held at a time.
        detector: the face detector.
        interval: see `Tracker`.
        look_ahead: see `Tracker`.
        rate: frames a second, which are evenly spaced.

    Raises:
        UsageError: if the detector fails.
    """
    import cv2

    tracker, source = Tracker(Lookout(detector, interval).see, interval, look_ahead, rate), iter(frames)
    waiting: deque[UInt8Image] = deque()
    failure: Exception | None = None
    count = 0
    while True:
        try:
            frame = next(source)
        except StopIteration:
            break
        except Exception as error:
            failure = error
            break
        waiting.append(frame)
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
        for settled in tracker.push(grey, count / rate, partial(_itself, frame)):
            yield waiting.popleft(), [face.box for face in settled.faces]
        count += 1
    for settled in tracker.finish():
        yield waiting.popleft(), [face.box for face in settled.faces]
    if failure is not None:
        raise failure


def _itself(frame: UInt8Image) -> UInt8Image:
    return frame
