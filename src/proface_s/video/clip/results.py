"""Results of working on clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...api.results import display as show
from ...types import Box


@dataclass(frozen=True, slots=True)
class ProtectedPerson:
    """A person in a protected clip.

    Attributes:
        number: in the file, from 1.
        found: number in the clip before others were left out.
        box: the smallest box that holds all covers of the person; in the stored frame.
        style: of the covers.
    """

    number: int
    found: int
    box: Box
    style: str


@dataclass(frozen=True, slots=True, repr=False)
class ProtectedClip:
    """Result of `protect_clip`.

    Attributes:
        path: where it was written.
        people: in the order of the file.
        size: (width, height) of the frames.
        bytes_written: of the file.
        warnings: what the user should know.
    """

    path: Path
    people: tuple[ProtectedPerson, ...]
    size: tuple[int, int]
    bytes_written: int
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        people = show.count(self.people, "person")
        return f"<ProtectedClip: {people}, {show.size(self.size)}{show.target(self.path)}{show.notes(self.warnings)}>"

    def _repr_html_(self) -> str:
        rows = ((each.number, each.found, each.box, each.style) for each in self.people)
        return show.html_table(repr(self), ("person", "found as", "box", "cover"), rows)


@dataclass(frozen=True, slots=True, repr=False)
class RecoveredClip:
    """Result of `recover_clip`.

    Attributes:
        path: where it was written.
        recovered: numbers of the people who came back, from 1.
        covered: numbers of those who did not.
        exact: whether the file is the original, bit for bit.
        bytes_written: of the file.
        warnings: what the user should know.
    """

    path: Path
    recovered: tuple[int, ...]
    covered: tuple[int, ...]
    exact: bool
    bytes_written: int
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        what = "the original" if self.exact else f"{len(self.recovered)} of {len(self.recovered) + len(self.covered)}"
        return f"<RecoveredClip: {what}{show.target(self.path)}{show.notes(self.warnings)}>"

    def _repr_html_(self) -> str:
        states = dict.fromkeys(self.recovered, "recovered") | dict.fromkeys(self.covered, "covered")
        return show.html_table(repr(self), ("person", "state"), sorted(states.items()))


@dataclass(frozen=True, slots=True)
class InspectedPerson:
    """A person in a protected clip, as far as it shows without a key.

    Attributes:
        number: from 1.
        box: the smallest box that holds all covers, in the stored frame.
        style: of the covers.
        group: number of the group of people who open alike, from 0.
        spans: seconds in which the person is covered: (start, stop) of chunks, joined.
        forgotten: whether no key opens the person any more.
    """

    number: int
    box: Box
    style: str
    group: int
    spans: tuple[tuple[float, float], ...]
    forgotten: bool


@dataclass(frozen=True, slots=True, repr=False)
class ClipInspection:
    """Result of `inspect_clip`: everything that a protected clip shows without a key.

    Attributes:
        version: format version.
        size: (width, height) of the frames.
        people: in the order of the file.
        frames: of the clip.
        duration: in seconds.
        exact: whether the whole original is sealed in place of tracks of the people.
        kdf: one line per passphrase: algorithm and cost.
        groups: of people who open alike.
        recipients: how many there are, all groups together.
        problems: what is wrong with the sealed track, one line each.
        sidecar: the file that holds what is sealed; None if the clip does.
    """

    version: int
    size: tuple[int, int]
    people: tuple[InspectedPerson, ...]
    frames: int
    duration: float
    exact: bool
    kdf: tuple[str, ...]
    groups: int
    recipients: int
    problems: tuple[str, ...] = ()
    sidecar: Path | None = None

    def __repr__(self) -> str:
        people = show.count(self.people, "person")
        return f"<ClipInspection: {people}, {show.size(self.size)}, {self.duration:.1f} s>"

    def _repr_html_(self) -> str:
        rows = ((each.number, each.box, each.style, each.group) for each in self.people)
        return show.html_table(repr(self), ("person", "box", "cover", "group"), rows)


@dataclass(frozen=True, slots=True, repr=False)
class ClipVerification:
    """Result of `verify_clip`.

    Attributes:
        opened: numbers of the people whom the key opens, from 1; empty if none was given.
        locked: numbers of those whom it does not open.
        forgotten: numbers of those whom no key opens.
        authentic: whether a key vouched for header and list.
        problems: what is wrong, one line each; empty for a sound clip.
        warnings: what could not be checked.
    """

    opened: tuple[int, ...]
    locked: tuple[int, ...]
    forgotten: tuple[int, ...]
    authentic: bool
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        verdict = show.count(self.problems, "problem") if self.problems else "sound"
        return f"<ClipVerification: {verdict}, {'authentic' if self.authentic else 'not authenticated'}>"

    def _repr_html_(self) -> str:
        states = dict.fromkeys(self.opened, "opens") | dict.fromkeys(self.locked, "locked")
        states |= dict.fromkeys(self.forgotten, "forgotten")
        return show.html_table(repr(self), ("person", "key"), sorted(states.items()))


@dataclass(frozen=True, slots=True, repr=False)
class ChangedClip:
    """Result of `forget_people` and `rewrap_clip`.

    Attributes:
        path: where it was written.
        people: numbers of those it concerns, from 1.
        warnings: what the user should know.
        sidecar: the sidecar that was written too, or None.
    """

    path: Path
    people: tuple[int, ...]
    warnings: tuple[str, ...] = ()
    sidecar: Path | None = None

    def __repr__(self) -> str:
        return f"<ChangedClip: {show.count(self.people, 'person')}{show.target(self.path)}{show.notes(self.warnings)}>"
