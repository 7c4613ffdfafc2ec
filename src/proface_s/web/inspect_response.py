"""Response of /api/inspect, as described by /openapi.json."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from ..api import Inspection
from .models import CoveredFaceModel, covered_fields


class RenderedPicture(BaseModel):
    """Size of a picture as it is shown or received."""

    width: int
    height: int


class CoverPreview(RenderedPicture):
    """Size of a picture of covers, and what became of them."""

    fallbacks: list[str | None] = Field(
        description="of each style, why a blurred oval is used instead of what it shows; null: it is not"
    )


class InspectedFaceModel(CoveredFaceModel):
    """A face of a protected file, as visible without a key."""

    group: int = Field(description="faces of one group open with the same keys")
    stripped: bool = Field(description="its exact copy was removed from the file")
    forgotten: bool = Field(description="no key opens it any more")
    lost: bool = Field(description="the metadata are gone, and its pixels hold no record")
    likeness_bytes: int | None = Field(
        description="in a share copy, the bytes that are left to draw it from; else null"
    )


class InspectResponse(BaseModel):
    """Response of /api/inspect: what a protected file shows without a key."""

    version: int
    width: int
    height: int
    received: RenderedPicture | None = Field(
        description="size of a share copy as it is now, in which its boxes are; width and height are those it was "
        "written with.  Else null"
    )
    model: str | None
    model_id: str
    faces: list[InspectedFaceModel]
    kdf: list[str]
    groups: int
    recipients: int
    wrong_key: str
    source: Literal["metadata", "pixels", "share"]
    warnings: list[str]
    inside_bytes: list[int] = Field(
        description="of each face of the share copy that the protected file carries itself, the bytes it comes back "
        "from; empty: it carries none"
    )

    @classmethod
    def of(cls, found: Inspection) -> InspectResponse:
        """Describe an inspection."""
        lengths = found.likeness_bytes or [None] * len(found.faces)
        faces = [
            InspectedFaceModel(
                **covered_fields(face),
                group=group,
                stripped=face.number in found.stripped,
                forgotten=face.number in found.forgotten,
                lost=face.number in found.lost,
                likeness_bytes=length,
            )
            for face, group, length in zip(found.faces, found.members, lengths, strict=True)
        ]
        received = found.received_size
        return cls(
            version=found.version,
            width=found.size[0],
            height=found.size[1],
            received=None if received is None else RenderedPicture(width=received[0], height=received[1]),
            model=found.model,
            model_id=found.model_id,
            faces=faces,
            kdf=list(found.kdf),
            groups=found.groups,
            recipients=found.recipients,
            wrong_key=found.wrong_key,
            source=found.source,
            warnings=list(found.warnings),
            inside_bytes=list(found.inside_bytes),
        )
