"""The two arrows, photo -> protected file and back, and a session that loads the models once.

* `proface_s.api.protecting` — `protect_picture`, one readable page.
* `proface_s.api.recovering` — `recover_picture`, its inverse.
* `proface_s.api.keeping` — `face_key`, `forget`, `rewrap`: who can open a file, changed without its original.
* `proface_s.api.checking` — `verify`.
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
from .checking import verify
from .keeping import face_key, forget, rewrap
from .results import (
    DetectedFace,
    Detection,
    Inspection,
    KeptFile,
    ProtectedFace,
    ProtectResult,
    RecoveredFace,
    RecoverResult,
    Verification,
    VerifiedFace,
)
from .session import Session, detect, inspect, protect, recover

__all__ = [
    "Box",
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
    "KeptFile",
    "Lock",
    "ModelError",
    "NoFaceError",
    "NotProtectedError",
    "OtherOutputError",
    "ProFaceError",
    "ProtectResult",
    "ProtectedFace",
    "Recipient",
    "RecoverResult",
    "RecoveredFace",
    "Session",
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
