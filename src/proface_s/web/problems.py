"""Errors as ``application/problem+json`` (RFC 9457), extended by a hint and the command line's exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from starlette.responses import JSONResponse

from ..errors import (
    CostlyFileError,
    DamagedFileError,
    FileFormatError,
    ImageError,
    ModelError,
    NoFaceError,
    NotProtectedError,
    ProFaceError,
    UnexpectedModeError,
    UsageError,
    WrongKeyError,
)
from .hints import page_hint

MEDIA_TYPE: Final = "application/problem+json"

_KINDS: Final[tuple[tuple[type[Exception], int, str, str], ...]] = (
    (UsageError, 422, "usage", "The request makes no sense"),
    (WrongKeyError, 403, "wrong-key", "The key does not open this file"),
    (NoFaceError, 422, "no-face", "No face was found"),
    (NotProtectedError, 422, "not-protected", "Not a protected picture"),
    (DamagedFileError, 422, "damaged", "The protected picture is damaged"),
    (UnexpectedModeError, 422, "mode", "The protected picture is in another mode"),
    (CostlyFileError, 422, "costly", "Opening the picture takes too much work"),
    (FileFormatError, 422, "format", "The protected picture cannot be read"),
    (ImageError, 422, "image", "The picture cannot be used"),
    (ModelError, 422, "model", "Protected with another model"),
    (MemoryError, 413, "memory", "The picture is too large for this machine"),
)


class Problem(BaseModel):
    """Problem details (RFC 9457).

    Attributes:
        type: identifier of the kind of problem.
        title: the kind, in words.
        status: HTTP status.
        detail: what is wrong with this request.
        hint: what the user can do about it.
        exit_code: exit code of the command line for the same error.
    """

    type: str
    title: str
    status: int
    detail: str
    hint: str | None = None
    exit_code: int


class RefusedError(Exception):
    """A rejected request, with the problem to report and additional response headers."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.detail)
        self.problem, self.headers = problem, headers


def refused(
    status: int,
    kind: str,
    title: str,
    detail: str,
    hint: str | None = None,
    *,
    exit_code: int = 1,
    headers: Mapping[str, str] | None = None,
) -> RefusedError:
    """Return a `RefusedError` built from the fields of its problem."""
    problem = Problem(
        type=f"urn:proface:{kind}", title=title, status=status, detail=detail, hint=hint, exit_code=exit_code
    )
    return RefusedError(problem, headers)


def busy(detail: str = "all places are taken") -> RefusedError:
    """Return a 503 error that asks the client to come back later."""
    return refused(
        503, "busy", "Too much to do at the moment", detail, "try again in a few seconds", headers={"Retry-After": "3"}
    )


def no_space() -> RefusedError:
    """Return a 507 error that says that a file cannot be stored."""
    return refused(
        507,
        "no-space",
        "There is no room for the clip",
        "the service cannot store it: its disk is full, or cannot be written to",
        "make room on the disk of the service, or let TMPDIR name a folder on another one",
    )


def problem_of(error: BaseException, what: str = "picture", *, debug: bool = False) -> Problem:
    """Describe an exception raised during a job; an unexpected one reveals nothing of itself.

    Args:
        error: the exception.
        what: what the job is about, in words: ``picture`` or ``clip``.
        debug: whether to print the traceback of an unexpected exception to stderr.
    """
    if isinstance(error, RefusedError):
        return error.problem
    for kind, status, name, title in _KINDS:
        if isinstance(error, kind):
            detail = error.message if isinstance(error, ProFaceError) else "there is not enough memory for it"
            code = error.exit_code if isinstance(error, ProFaceError) else 1
            hint = page_hint(error) if isinstance(error, ProFaceError) else None
            title = title.replace("picture", what)
            return refused(status, name, title, detail, hint, exit_code=code).problem
    if isinstance(error, ProFaceError):  # the finished file failed its own verification
        return refused(500, "failed", "That did not work", error.message, page_hint(error)).problem
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    return refused(
        500,
        "internal",
        "Something unexpected happened",
        f"internal error: {type(error).__name__}",
        "start the service in debug mode to see where, and report it",
    ).problem


def invalid(error: ValidationError) -> RefusedError:
    """Return a 422 problem that names the invalid options without repeating their values."""
    places = [
        f"{'.'.join(map(str, each['loc'])) or 'options'}: {each['msg']}"
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return refused(
        422, "options", "The options are not as described", "; ".join(places[:5]), "see /openapi.json", exit_code=2
    )


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the HTTP response for a problem."""
    return JSONResponse(body(problem), problem.status, dict(headers or {}), media_type=MEDIA_TYPE)


def body(problem: Problem) -> dict[str, Any]:
    """Return a problem as JSON, without its empty fields."""
    return problem.model_dump(exclude_none=True)
