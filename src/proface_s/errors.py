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

Every error carries a one-line message that states facts: it names no option of a command and no element of a page.
It also carries a ``code``, a stable name for what is wrong, and where they are of use, values of the message as
``facts``.  What the user can do about it is said by the surface that shows the error, which finds its hint by the code
(``cli/hints.py``, ``web/hints.py``).  All codes are listed in `proface_s.error_codes`; each class has one of its own,
and single errors have finer ones.

Key material and passphrases never appear in messages or facts, and neither does what a URL may hold: user names with
passwords, queries and fragments are masked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Self

Fact = str | int | float

MASK: Final = "***"
_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.-]+"  # two letters or more: not a drive of Windows
_USER: Final = re.compile(rf"(\b{_SCHEME}:/+|//)([^\s\"'<>]*(?::|%3[aA])[^\s\"'<>]*)(@|%40)")  # up to the last @
_PATHS: Final = re.compile(r"(?:file|local):/{3,}")  # what follows is a path of this machine, and has no user
_TOKEN: Final = re.compile(r"(\bhttps?://)[^/\s\"'<>@]+@")
_QUERY: Final = (
    re.compile(rf"(\b{_SCHEME}:/[^\s?#\"'<>]*)[?#](?=[^\s\"'<>]*=)[^\s\"'<>]+"),
    re.compile(r"(\bhttps?:/[^\s?#\"'<>]*)\?[^\s\"'<>]+"),
)
_ENDS: Final = {ord(sign): 0xE000 + number for number, sign in enumerate(" \t\n\r\v\f\"'<>")}
_FOREIGN: Final = (
    re.compile(
        r"(?i)([\w-]*(?:secret|passw|pwd|token|signature|credential|authorization|(?:api|access|account|shared)[_-]?key)"
        r"[\w-]*|\bsig|\bsas)([\"']?\s*[=:]\s*[\"']?)(?:(?:bearer|basic)\s+)?[^\s\"',;&)]+"
    ),
    re.compile(r"()(\b(?:AKIA|ASIA))[0-9A-Z]{8,}"),
    re.compile(r"(?i)()(\b(?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}"),
)


def without_secrets(text: str) -> str:
    """Mask what URLs in a text may hold: user information with a password, queries, fragments with values.

    Args:
        text: for people to read; may hold any number of URLs, also in the form that a path library makes of them.
    """
    text = _TOKEN.sub(rf"\1{MASK}@", _USER.sub(_masked_user, text))
    for pattern in _QUERY:
        text = pattern.sub(rf"\1?{MASK}", text)
    return text


def _masked_user(found: re.Match[str]) -> str:
    """Mask up to the last ``@``; after ``file:///`` only what looks like another URL."""
    if _PATHS.fullmatch(found[1]):
        return found[1] + _USER.sub(_masked_user, found[2] + found[3])
    return f"{found[1]}{MASK}@"


def masked_url(url: str) -> str:
    """`without_secrets` for a text that is known to be one URL, whatever blanks and quotes there are in it."""
    back = {value: chr(key) for key, value in _ENDS.items()}
    return without_secrets(url.translate(_ENDS)).translate(back)


def foreign_text(error: BaseException | str) -> str:
    """What another library says, on one line, without what looks like a secret in it.

    Args:
        error: its exception, or the text of one.
    """
    text = (
        error
        if isinstance(error, str)
        else ((error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__)
    )
    text = without_secrets(" ".join(text.split()))
    for pattern in _FOREIGN:
        text = pattern.sub(rf"\1\2{MASK}", text)
    return text


class ProFaceError(Exception):
    """Base of all errors this package raises on purpose.

    Args:
        message: one line that names the input and what is wrong with it.
        code: stable name of what is wrong, one of `proface_s.error_codes.ERROR_CODES`; None stands for the class's own.
        facts: values that a hint or a program may need, by name.

    Attributes:
        message: as given; also the text of the exception.
        code: as given, or the class's own.
        facts: as given.
        exit_code: of the command line, if this error ends it.
    """

    exit_code = 1
    code = "failed"

    def __init__(self, message: str, *, code: str | None = None, **facts: Fact) -> None:
        message = without_secrets(message)
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.facts: Mapping[str, Fact] = {
            name: without_secrets(value) if isinstance(value, str) else value for name, value in facts.items()
        }

    def reworded(self, message: str) -> Self:
        """Return a copy of this error, with its code and facts, that says it in other words.

        Args:
            message: instead of its own.
        """
        message = without_secrets(message)
        other = type(self).__new__(type(self), message)  # not `copy.copy`: other packages register reducers for it
        other.__dict__.update(self.__dict__, message=message)
        return other


class UsageError(ProFaceError):
    """The request itself makes no sense (unknown style, empty box, weak passphrase)."""

    exit_code = 2
    code = "usage"


class WrongKeyError(ProFaceError):
    """The passphrase or key does not open this file."""

    exit_code = 3
    code = "wrong-key"


class NoFaceError(ProFaceError):
    """Nothing to protect was found in the picture."""

    exit_code = 4
    code = "no-face"


class FileFormatError(ProFaceError):
    """Not a protected file, or a damaged one."""

    exit_code = 5
    code = "file-format"


class NotProtectedError(FileFormatError):
    """The picture carries no PRO-Face header."""

    code = "not-protected"


class DamagedFileError(FileFormatError):
    """The header or a seal is inconsistent, hostile or was altered."""

    code = "damaged-file"


class UnexpectedModeError(FileFormatError):
    """The file is in another mode, noise or cover, than the one that was demanded."""

    code = "unexpected-mode"


class CostlyFileError(FileFormatError):
    """Opening the file would take more work or memory than is allowed."""

    code = "costly-file"


class ImageError(ProFaceError):
    """A picture cannot be read or written."""

    code = "image"


class DiskFullError(ImageError):
    """A picture cannot be written because no space is left: the next one could not be written either."""

    code = "disk-full"


class OtherOutputError(ImageError):
    """An output exists that is not what would be written now.

    Args:
        message: as in `ProFaceError`.
        reason: why it is not, without the files' names.
    """

    code = "other-output"

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class ModelError(ProFaceError):
    """A model file is missing, altered or unusable."""

    code = "model"


def missing_package(error: ModuleNotFoundError) -> str:
    """Return the name of a package that an extra would install.

    Raises:
        ModuleNotFoundError: the error itself, if a module of this program is missing: that is a fault, and no extra
            would help.
    """
    name = error.name or ""
    if name.split(".")[0] in ("proface_s", "proface_lab"):
        raise error
    return name
