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
    from .video.clip.manage import (
        inspect_clip,
        verify_clip,
    )
    from .video.clip.options import (
        ClipOptions,
    )
    from .video.clip.results import (
        ClipInspection,
        ClipVerification,
        ProtectedClip,
        RecoveredClip,
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
    "ClipInspection",
    "ClipOptions",
    "ClipVerification",
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
    "ProtectedClip",
    "ProtectedFace",
    "ProtectedFrame",
    "Recipient",
    "RecoverOptions",
    "RecoverResult",
    "RecoveredClip",
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
    "inspect_clip",
    "protect",
    "recover",
    "register_style",
    "rewrap",
    "style_names",
    "verify",
    "verify_clip",
]

_ELSEWHERE: Final = {
    "ClipInspection": ".video.clip.results",
    "ClipOptions": ".video.clip.options",
    "ClipVerification": ".video.clip.results",
    "CoverStyle": ".covers",
    "Detector": ".faces",
    "FrameRecord": ".video.records",
    "PortableFaceKey": ".keys.face_key_text",
    "ProtectedClip": ".video.clip.results",
    "ProtectedFrame": ".video.session",
    "RecoveredClip": ".video.clip.results",
    "VideoKey": ".video.keys",
    "VideoSession": ".video.session",
    "generate_passphrase": ".keys.passphrase",
    "inspect_clip": ".video.clip.manage",
    "register_style": ".covers",
    "style_names": ".covers",
    "verify_clip": ".video.clip.manage",
}
"""Public name -> the module it comes from, if that is not the room ``api``."""


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(_ELSEWHERE.get(name, ".api"), __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
