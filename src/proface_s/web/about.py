"""Response of /api/about, as described by /openapi.json."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from ..covers import StyleOption
from ..flow.cards import Card
from .settings import ClipLimits


class StyleOptionInfo(BaseModel):
    """What the option of a style may be."""

    label: str
    choices: list[str]
    default: str | None = Field(description="the choice that no option stands for")
    colour: bool = Field(description="whether a colour is an option, as #rrggbb")

    @classmethod
    def of(cls, option: StyleOption) -> StyleOptionInfo:
        """Describe an option; files are no option here."""
        return cls(label=option.label, choices=list(option.choices), default=option.default, colour=option.colour)


class StyleInfo(BaseModel):
    """One of the available styles."""

    name: str
    summary: str
    unit: str
    more_is_stronger: bool | None = Field(description="null if all strengths hide equally well")
    default: float
    least: float
    most: float
    weak_limit: float | None
    shape: Literal["box", "oval"] = Field(description="outline of the cover where a request names none")
    clips: bool = Field(description="whether it can cover faces in clips")
    option: StyleOptionInfo | None = Field(description="null if the style takes none")


class ModelInfo(BaseModel):
    """One of the shipped models.  Models of other packages can be named too, and are not listed."""

    name: str
    warning: str | None = Field(description="what a user of the model should know")
    wrong_key: list[Literal["noise", "cover"]] = Field(description="its modes; the first one is its default")

    @classmethod
    def of(cls, card: Card) -> ModelInfo:
        """Describe a model by its card."""
        return cls(name=card.name, warning=card.warning, wrong_key=list(card.wrong_key_modes))


class ClipLimitsInfo(BaseModel):
    """Limits on clips."""

    max_bytes: int
    max_seconds: float
    max_frame_pixels: int = Field(description="pixels of one frame")
    max_pixels: int = Field(description="pixels of all frames together")

    @classmethod
    def of(cls, limits: ClipLimits) -> ClipLimitsInfo:
        """Describe limits."""
        return cls(
            max_bytes=limits.max_bytes,
            max_seconds=limits.max_seconds,
            max_frame_pixels=limits.max_frame_pixels,
            max_pixels=limits.max_pixels,
        )


class ServiceInfo(BaseModel):
    """Response of /api/about: the styles, models, detectors and limits of this service."""

    version: str
    styles: list[StyleInfo]
    models: list[ModelInfo] = Field(description="the default comes first")
    detectors: list[str] = Field(description="what can find faces; the default comes first")
    max_bytes: int
    max_pixels: int
    clips: ClipLimitsInfo | None = Field(description="null if clips are not taken: the extra `video` is missing")
    preview_pixels: int
    least_passphrase: int
    good_passphrase: int
