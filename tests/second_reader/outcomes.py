"""The classes of results (docs/reference/vectors.md): one exception for each that is not ``opens``."""

from __future__ import annotations


class NotOpened(Exception):
    """The file does not open; `word` is the class of the result."""

    word = ""


class WrongKey(NotOpened):
    """The file is in order, but no credential opens it."""

    word = "wrong-key"


class Damaged(NotOpened):
    """A rule of the format is broken, or the file was altered."""

    word = "damaged"


class Newer(NotOpened):
    """An unknown version, flag or critical extension."""

    word = "newer"


class NotProtected(NotOpened):
    """Neither header, seal nor record."""

    word = "not-protected"


class NotAPicture(NotOpened):
    """The carrier itself is broken."""

    word = "not-a-picture"


class LacksModel(NotOpened):
    """A face could only be estimated, with a model that this reader does not have; the vectors have no word for it."""

    word = "lacks-model"
