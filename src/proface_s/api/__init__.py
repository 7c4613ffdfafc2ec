"""The two arrows, photo -> protected file and back, and a session that loads the models once.

* `proface_s.api.protection.protect_picture` — `protect_picture`, one readable page.
* `proface_s.api.recovery.recover_picture` — `recover_picture`, its inverse.
* `proface_s.api.changes.manage` — `face_key`, `forget`, `rewrap`: who can open a file, changed without its original.
* `proface_s.api.verification` — `verify`.
* `proface_s.api.medium` — `medium_of`: what holds the faces of a file, pixels or the coefficients of a JPEG.
* `proface_s.api.session` — `Session`, and the functions of the same names on a fresh one.
"""

from ..errors import (
    CostlyFileError,
    DamagedFileError,
    DiskFullError,
    FileFormatError,
    ImageError,
    ModelError,
    NoFaceError,
    NotProtectedError,
    OtherOutputError,
    ProFaceError,
    UnexpectedModeError,
    UsageError,
    WrongKeyError,
)
from ..keys.access import Credentials, Lock
from ..keys.derive import KdfLimits
from ..keys.recipients import Identity, Recipient
from ..types import Box, Face, Style
from .changes.manage import face_key, forget, rewrap
from .inspection import inspect
from .options import ProtectOptions, RecoverOptions
from .results.changed import ChangedFile
from .results.detected import DetectedFace, Detection
from .results.inspected import Inspection
from .results.protected import ProtectedFace, ProtectResult
from .results.recovered import RecoveredFace, RecoverResult
from .results.shared import ShareCopy
from .results.verified import Verification, VerifiedFace
from .session import Session, detect, protect, recover
from .share.options import ShareOptions
from .verification import verify

__all__ = [
    "Box",
    "ChangedFile",
    "CostlyFileError",
    "Credentials",
    "DamagedFileError",
    "DetectedFace",
    "Detection",
    "DiskFullError",
    "Face",
    "FileFormatError",
    "Identity",
    "ImageError",
    "Inspection",
    "KdfLimits",
    "Lock",
    "ModelError",
    "NoFaceError",
    "NotProtectedError",
    "OtherOutputError",
    "ProFaceError",
    "ProtectOptions",
    "ProtectResult",
    "ProtectedFace",
    "Recipient",
    "RecoverOptions",
    "RecoverResult",
    "RecoveredFace",
    "Session",
    "ShareCopy",
    "ShareOptions",
    "Style",
    "UnexpectedModeError",
    "UsageError",
    "Verification",
    "VerifiedFace",
    "WrongKeyError",
    "detect",
    "face_key",
    "forget",
    "inspect",
    "protect",
    "recover",
    "rewrap",
    "verify",
]
