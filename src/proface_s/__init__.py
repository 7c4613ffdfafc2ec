"""PRO-Face S: reversible face privacy for photos.

>>> import proface_s
>>> result = proface_s.protect("party.jpg", passphrase="...", output="party.protected.jpg")   # doctest: +SKIP
>>> proface_s.recover("party.protected.jpg", passphrase="...").faces[0].outcome               # doctest: +SKIP
'exact'

Importing the package loads neither an image library nor an inference engine; each name below loads what it needs when
it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .api import (
        Box,
        ChangedFile,
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
        ShareCopy,
        ShareOptions,
        Style,
        UnexpectedModeError,
        UsageError,
        Verification,
        VerifiedFace,
        WrongKeyError,
        detect,
        face_key,
        forget,
        inspect,
        protect,
        recover,
        rewrap,
        verify,
    )
    from .covers import (
        CoverStyle,
        register_style,
        style_names,
    )
    from .faces import (
        Detector,
    )
    from .keys.face_key_text import (
        PortableFaceKey,
    )
    from .keys.passphrase import (
        generate_passphrase,
    )
    from .video.keys import (
        VideoKey,
    )
    from .video.records import (
        FrameRecord,
    )
    from .video.session import (
        ProtectedFrame,
        VideoSession,
    )

__version__ = "0.2.0"
__all__ = [
    "Box",
    "ChangedFile",
    "CostlyFileError",
    "CoverStyle",
    "Credentials",
    "DamagedFileError",
    "DetectedFace",
    "Detection",
    "Detector",
    "DiskFullError",
    "Face",
    "FileFormatError",
    "FrameRecord",
    "Identity",
    "ImageError",
    "Inspection",
    "KdfLimits",
    "Lock",
    "ModelError",
    "NoFaceError",
    "NotProtectedError",
    "OtherOutputError",
    "PortableFaceKey",
    "ProFaceError",
    "ProtectOptions",
    "ProtectResult",
    "ProtectedFace",
    "ProtectedFrame",
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
    "VideoKey",
    "VideoSession",
    "WrongKeyError",
    "__version__",
    "detect",
    "face_key",
    "forget",
    "generate_passphrase",
    "inspect",
    "protect",
    "recover",
    "register_style",
    "rewrap",
    "style_names",
    "verify",
]

_ELSEWHERE: Final = {
    "CoverStyle": ".covers",
    "Detector": ".faces",
    "FrameRecord": ".video.records",
    "PortableFaceKey": ".keys.face_key_text",
    "ProtectedFrame": ".video.session",
    "VideoKey": ".video.keys",
    "VideoSession": ".video.session",
    "generate_passphrase": ".keys.passphrase",
    "register_style": ".covers",
    "style_names": ".covers",
}
"""Public name -> the module it comes from, if that is not the room ``api``."""


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(_ELSEWHERE.get(name, ".api"), __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
