"""Settings of a protection: what an output depends on, apart from its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from ...api.face_search import FaceSearch
    from ...api.options import Sidecar
    from ...api.share.options import ShareOptions
    from ...image.write import OutputFormat
    from ...types import Box, Style, WrongKey


class ProtectSettings(TypedDict):
    """The fields of `ProtectOptions` that options of the command name, in the form that they have there."""

    style: Style
    boxes: tuple[Box, ...]
    faces: tuple[int, ...] | None
    seal: bool | None
    wrong_key: WrongKey | None
    allow_no_face: bool
    keep_metadata: bool
    file_format: OutputFormat | None
    quality: int
    sidecar: Sidecar
    record: bool
    model: str | None
    search: NotRequired[FaceSearch]
    share: NotRequired[ShareOptions | None]
