"""Faces: detectors, boxes given by hand, and the disjoint regions that hide them.

Importing this package loads numpy only; detectors and image filters are loaded on first use.
"""

from .boxes import iou, non_maximum_suppression, reversible_box
from .detector import Detector, reading_order, select_faces
from .disjoint_regions import disjoint_areas, open_edges, protectable_regions, resolve_overlaps
from .draw import draw_regions
from .engine_detector import EngineDetector
from .given_boxes import BoxLike, parse_box, parse_boxes
from .registry import DEFAULT_DETECTOR, detector_names, open_detector
from .union import UnionDetector

__all__ = [
    "DEFAULT_DETECTOR",
    "BoxLike",
    "Detector",
    "EngineDetector",
    "UnionDetector",
    "detector_names",
    "disjoint_areas",
    "draw_regions",
    "iou",
    "non_maximum_suppression",
    "open_detector",
    "open_edges",
    "parse_box",
    "parse_boxes",
    "protectable_regions",
    "reading_order",
    "resolve_overlaps",
    "reversible_box",
    "select_faces",
]
