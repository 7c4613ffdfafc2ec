"""The two arrows, photo -> protected file and back, and a session that loads the models once.

* `proface_s.api.protecting` — `protect_picture`, one readable page.
* `proface_s.api.recovering` — `recover_picture`, its inverse.
* `proface_s.api.session` — `Session`, and the functions of the same names on a fresh one.
"""

from .results import Detection, Inspection, ProtectedFace, ProtectResult, RecoveredFace, RecoverResult
from .session import Session, detect, inspect, protect, recover

__all__ = [
    "Detection", "Inspection", "ProtectResult", "ProtectedFace", "RecoverResult", "RecoveredFace", "Session",
    "detect", "inspect", "protect", "recover",
]
