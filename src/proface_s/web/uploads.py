"""Uploads: a photo and its options, read into memory, within a time and a size, before anybody works on them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from .problems import RefusedError, busy, invalid, refused
from .settings import MIB, OPTIONS_BYTES, Settings
from .workers.memory import Hold, Ledger

Options = TypeVar("Options", bound=BaseModel)

PHOTO: Final = "photo"
OPTIONS: Final = "options"
_FRAME: Final = 64 << 10  # what multipart adds around a file and its options
_LEAST_RATE: Final = 8192  # bytes a second, after the time that a client may be silent
_DRAINED: Final = 1 << 30  # of an upload that is refused: a client that cannot finish may not see why


class _MemoryParser(MultiPartParser):
    """Starlette's parser, which otherwise puts files above 1 MB on disk."""

    spool_max_size = 1 << 62


@dataclass(frozen=True, slots=True)
class Form:
    """An upload: a file, and the JSON text beside it.  The name of the file is ignored."""

    photo: bytes
    options: str

    def parsed(self, kind: type[Options]) -> Options:
        """The options as their model.

        Raises:
            RefusedError: 422, they do not fit it.
        """
        try:
            return kind.model_validate_json(self.options or "{}")
        except ValidationError as error:
            raise invalid(error) from None


class Reader:
    """Reads the uploads of one service.

    Args:
        settings: limits.
        ledger: what all requests hold together.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings, self._ledger = settings, ledger

    async def read(self, request: Request, hold: Hold) -> Form:
        """Read a ``multipart/form-data`` upload.

        Args:
            request: whose body was not read yet.
            hold: counts the bytes; its maker releases it.

        Raises:
            RefusedError: 400, 408, 413, 415 or 503.
            ClientDisconnect: it has gone.
        """
        upload = _Upload(request, self._settings, self._ledger, hold)
        try:
            upload.check()
            parser = _MemoryParser(
                request.headers, upload.parts(), max_files=2, max_fields=4, max_part_size=OPTIONS_BYTES
            )
            async with asyncio.timeout_at(upload.deadline):
                return await _form(await parser.parse())
        except MultiPartException as error:
            problem = _form_error(error.message)
        except UnicodeError:
            problem = _form_error("it is not valid text")
        except TimeoutError:
            hold.release()
            raise refused(
                408, "slow", "The upload took too long", "it was given up", "try again, or a smaller file"
            ) from None
        except RefusedError as error:
            problem = error
        hold.release()
        await upload.drain()
        raise problem


class _Upload:
    """The body of one request, on its way in.

    Attributes:
        deadline: when it is given up, in the event loop's time.
    """

    def __init__(self, request: Request, settings: Settings, ledger: Ledger, hold: Hold) -> None:
        self._request, self._settings, self._ledger, self._hold = request, settings, ledger, hold
        self._ended = False
        self.deadline = asyncio.get_running_loop().time() + settings.upload_seconds

    def check(self) -> None:
        """Refuse what its headers show already."""
        headers = self._request.headers
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
            raise refused(
                415, "form", "Not a form", "the request is not multipart/form-data", "see /openapi.json", exit_code=2
            )
        length = headers.get("content-length", "")
        if length.isdecimal():
            self._check_size(int(length), int(length))

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """The body, part by part, within the limits; what was taken in is held."""
        loop = asyncio.get_running_loop()
        received, begun = 0, loop.time()
        while not self._ended:
            part = await self._next()
            received += len(part)
            if received < _LEAST_RATE * (loop.time() - begun - self._settings.idle_seconds):
                raise TimeoutError
            self._check_size(received, len(part))
            self._hold.add(len(part))
            yield part

    async def drain(self) -> None:
        """Read on and drop, so that the client comes to read the answer; but neither all nor for ever."""
        dropped = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self.deadline):
                while not self._ended and dropped < _DRAINED:
                    dropped += len(await self._next())

    async def _next(self) -> bytes:
        async with asyncio.timeout(self._settings.idle_seconds):
            message = await self._request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self._ended = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part

    def _check_size(self, size: int, more: int) -> None:
        if size > self._settings.max_bytes + OPTIONS_BYTES + _FRAME:
            limit = f"{self._settings.max_bytes / MIB:g} MiB"
            raise refused(413, "too-large", "The file is too large", f"the limit is {limit}", "scale the picture down")
        if not self._ledger.room_for(more):
            raise busy("too many uploads at the same time")


async def _form(form: FormData) -> Form:
    photo, options = form.get(PHOTO), form.get(OPTIONS, "")
    if not isinstance(photo, UploadFile):
        raise _form_error(f"there is no file in its field {PHOTO!r}")
    try:
        if isinstance(options, UploadFile):  # browsers can give a part its type, JSON, only together with a name
            if (options.size or 0) > OPTIONS_BYTES:
                raise _form_error(f"its field {OPTIONS!r} is too long")
            options = (await options.read()).decode()
        return Form(await photo.read(), options)
    finally:
        await form.close()


def _form_error(detail: str) -> RefusedError:
    return refused(400, "form", "The form cannot be read", detail, "see /openapi.json", exit_code=2)
