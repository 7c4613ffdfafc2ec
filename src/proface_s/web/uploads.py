"""Uploads: a photo and its options, read into memory within limits on time and size before any work begins."""

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
from .settings import MIB, OPTIONS_BYTES, ServiceSettings
from .workers.memory import MemoryBudget, MemoryHold

Options = TypeVar("Options", bound=BaseModel)

PHOTO: Final = "photo"
OPTIONS: Final = "options"
_FRAME: Final = 64 << 10  # added by multipart around the file and its options
_LEAST_RATE: Final = 8192  # bytes per second, once the permitted pause is over
_DRAINED: Final = (
    1 << 30
)  # of a rejected upload that are still read: a client that cannot finish sending may not see the reason


class _MemoryParser(MultiPartParser):
    """Starlette's parser, kept from spooling files above 1 MB to disk."""

    spool_max_size = 1 << 62


@dataclass(frozen=True, slots=True)
class UploadForm:
    """An upload: a file and the JSON text sent with it.  The file's name is ignored."""

    photo: bytes
    options: str

    def parsed(self, kind: type[Options]) -> Options:
        """Return the options as an instance of their model.

        Raises:
            RefusedError: 422 if they are invalid.
        """
        try:
            return kind.model_validate_json(self.options or "{}")
        except ValidationError as error:
            raise invalid(error) from None


class UploadReader:
    """Read the uploads of one service.

    Args:
        settings: limits.
        memory: the memory budget of all requests together.
    """

    def __init__(self, settings: ServiceSettings, memory: MemoryBudget) -> None:
        self._settings, self._memory = settings, memory

    async def read(self, request: Request, hold: MemoryHold) -> UploadForm:
        """Read a ``multipart/form-data`` upload.

        Args:
            request: a request whose body has not been read.
            hold: counts the bytes; the caller releases it.

        Raises:
            RefusedError: with status 400, 408, 413, 415 or 503.
            ClientDisconnect: if the client has disconnected.
        """
        upload = _Upload(request, self._settings, self._memory, hold)
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
    """The body of one request while it is being received.

    Attributes:
        deadline: when the upload is abandoned, in the event loop's time.
    """

    def __init__(self, request: Request, settings: ServiceSettings, memory: MemoryBudget, hold: MemoryHold) -> None:
        self._request, self._settings, self._memory, self._hold = request, settings, memory, hold
        self._ended = False
        self.deadline = asyncio.get_running_loop().time() + settings.upload_seconds

    def check(self) -> None:
        """Reject the upload if its headers already show that it is too large or of the wrong type."""
        headers = self._request.headers
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
            raise refused(
                415, "form", "Not a form", "the request is not multipart/form-data", "see /openapi.json", exit_code=2
            )
        length = headers.get("content-length", "")
        if length.isdecimal():
            self._check_size(int(length), int(length))

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """Yield the body part by part, within the limits, and count it against the memory budget."""
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
        """Read and discard some more, within limits, so that the client gets to read the response."""
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
        if not self._memory.room_for(more):
            raise busy("too many uploads at the same time")


async def _form(form: FormData) -> UploadForm:
    photo, options = form.get(PHOTO), form.get(OPTIONS, "")
    if not isinstance(photo, UploadFile):
        raise _form_error(f"there is no file in its field {PHOTO!r}")
    try:
        if isinstance(options, UploadFile):  # browsers can declare a part as JSON only together with a file name
            if (options.size or 0) > OPTIONS_BYTES:
                raise _form_error(f"its field {OPTIONS!r} is too long")
            options = (await options.read()).decode()
        return UploadForm(await photo.read(), options)
    finally:
        await form.close()


def _form_error(detail: str) -> RefusedError:
    return refused(400, "form", "The form cannot be read", detail, "see /openapi.json", exit_code=2)
