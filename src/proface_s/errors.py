"""The one exception tree of the package.

::

    ProFaceError                 exit code 1   some input failed
    ├── UsageError               exit code 2   the request itself makes no sense
    ├── WrongKeyError            exit code 3   the passphrase or key does not open this file
    ├── NoFaceError              exit code 4   nothing to protect was found
    ├── FileFormatError          exit code 5   not a protected file, or damaged
    │   ├── NotProtectedError                  carries no PRO-Face header
    │   ├── DamagedFileError                   header or seal is inconsistent, hostile or altered
    │   ├── UnexpectedModeError                noise mode was demanded, and it is in cover mode, or the reverse
    │   └── CostlyFileError                    opening it would take more work or memory than is allowed
    ├── ImageError               exit code 1   a picture cannot be read or written
    │   ├── DiskFullError                      ... because no space is left
    │   └── OtherOutputError                   ... because another output is there, found when a run is resumed
    └── ModelError               exit code 1   a model file is missing, altered or unusable

Every error carries a one-line message and, where the user can do something about it, a hint.  Messages and hints state
facts: they name no option of a command and no element of a page.  Some errors also carry a ``code``, by which a surface
finds a hint in its own words (``cli/hints.py``).  Key material and passphrases never appear in any of them.
"""

from __future__ import annotations


class ProFaceError(Exception):
    """Base of all errors this package raises on purpose.

    Args:
        message: one line that names the input and what is wrong with it.
        hint: what the user can do about it, or None.
        code: short stable name for what is wrong, if a surface has a hint of its own for it.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class UsageError(ProFaceError):
    """The request itself makes no sense (unknown style, empty box, weak passphrase)."""

    exit_code = 2


class WrongKeyError(ProFaceError):
    """The passphrase or key does not open this file."""

    exit_code = 3


class NoFaceError(ProFaceError):
    """Nothing to protect was found in the picture."""

    exit_code = 4


class FileFormatError(ProFaceError):
    """Not a protected file, or a damaged one."""

    exit_code = 5


class NotProtectedError(FileFormatError):
    """The picture carries no PRO-Face header."""


class DamagedFileError(FileFormatError):
    """The header or a seal is inconsistent, hostile or was altered."""


class UnexpectedModeError(FileFormatError):
    """The file is in another mode, noise or cover, than the one that was demanded."""


class CostlyFileError(FileFormatError):
    """Opening the file would take more work or memory than is allowed."""


class ImageError(ProFaceError):
    """A picture cannot be read or written."""


class DiskFullError(ImageError):
    """A picture cannot be written because no space is left: the next one could not be written either."""


class OtherOutputError(ImageError):
    """An output exists that is not what would be written now.

    Args:
        message: as in `ProFaceError`.
        hint: as in `ProFaceError`.
        reason: why it is not, without the files' names.
    """

    def __init__(self, message: str, hint: str | None = None, *, reason: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason


class ModelError(ProFaceError):
    """A model file is missing, altered or unusable."""
