"""One attempt at recovery: what there is to open a picture with, and what is wanted of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ...faces.numbering import indices_of
from ...flow.registry import Models
from ...keys.access import Credentials
from ...keys.derive import KdfLimits
from ...progress import Progress, silent
from ...types import WrongKey
from ..options import RecoverOptions
from ..resources import Resources


@dataclass(frozen=True, slots=True)
class RecoveryAttempt:
    """What all ways of recovery are given besides the picture.

    Attributes:
        credentials: what there is to open it with.
        models: the ones that header or records name read the pixels.
        only: positions in the header of the faces to bring back; all that open if None.
        force: if nothing opens, write what the wrong key reads instead of refusing it.
        expect: the mode that the picture must be in; any if None.
        limits: what key derivation may cost, for all headers together; those of the format if None.
        threads: to work with.
        progress: is told about the stages ``open`` and ``restore``.
    """

    credentials: Credentials
    models: Models
    only: Collection[int] | None = None
    force: bool = False
    expect: WrongKey | None = None
    limits: KdfLimits | None = None
    threads: int = 1
    progress: Progress = silent

    @classmethod
    def of(cls, options: RecoverOptions, resources: Resources, progress: Progress) -> RecoveryAttempt:
        """Return the attempt that options ask for."""
        return cls(
            options.credentials,
            resources.models,
            None if options.faces is None else indices_of(options.faces),
            options.force,
            options.expect,
            resources.limits,
            resources.threads,
            progress,
        )

    def wants(self, index: int) -> bool:
        """Return whether a face is one of those to bring back."""
        return self.only is None or index in self.only
