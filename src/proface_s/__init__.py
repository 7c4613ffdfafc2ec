"""PRO-Face S: reversible face privacy for photos.

>>> import proface_s
>>> result = proface_s.protect("party.jpg", passphrase="...", output="party.protected.png")   # doctest: +SKIP
>>> proface_s.recover("party.protected.png", passphrase="...").faces[0].outcome               # doctest: +SKIP
'exact'

Detection alone is `Session.detect`; ``proface_s.faces`` is the room it is done in.
Importing the package loads neither an image library nor an inference engine; the names below load what they need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import (
        Box,
        CostlyFileError,
        Credentials,
        DamagedFileError,
        DetectedFace,
        Detection,
        DiskFullError,
        Face,
        FileFormatError,
        Identity,
        ImageError,
        Inspection,
        KdfLimits,
        KeptFile,
        Lock,
        ModelError,
        NoFaceError,
        NotProtectedError,
        OtherOutputError,
        ProFaceError,
        ProtectedFace,
        ProtectOptions,
        ProtectResult,
        Recipient,
        RecoveredFace,
        RecoverOptions,
        RecoverResult,
        Session,
        Style,
        UnexpectedModeError,
        UsageError,
        Verification,
        VerifiedFace,
        WrongKeyError,
        face_key,
        forget,
        inspect,
        protect,
        recover,
        rewrap,
        verify,
    )

__version__ = "0.2.0"
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
    "ProtectOptions",
    "ProtectResult",
    "ProtectedFace",
    "Recipient",
    "RecoverOptions",
    "RecoverResult",
    "RecoveredFace",
    "Session",
    "Style",
    "UnexpectedModeError",
    "UsageError",
    "Verification",
    "VerifiedFace",
    "WrongKeyError",
    "__version__",
    "face_key",
    "forget",
    "inspect",
    "protect",
    "recover",
    "rewrap",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(".api", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
