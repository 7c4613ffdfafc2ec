"""Uploads: a photo and its options, read into memory, within a time and a size, before anybody works on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from .memory import Hold, Ledger
from .problems import RefusedError, busy, invalid, refused
from .settings import MIB, OPTIONS_BYTES, Settings

Options = TypeVar("Options", bound=BaseModel)

PHOTO: Final = "photo"
OPTIONS: Final = "options"
_FRAME: Final = 64 << 10  # what multipart adds around a file and its options
_DRAINED: Final = 1 << 30  # of an upload that is refused: a client that cannot finish may not see why


class _MemoryParser(MultiPartParser):
    """Starlette's parser, which otherwise puts files above 1 MB on disk."""

    spool_max_size = 1 << 62


@dataclass(frozen=True, slots=True)
class Form:
    """What came in: a file, and the JSON text beside it.  The file's name is not looked at."""

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
            hold: counts the bytes; whoever made it releases it.

        Raises:
            RefusedError: 400, 408, 411, 413, 415 or 503.
            ClientDisconnect: it has gone.
        """
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
            raise refused(
                415, "form", "Not a form", "the request is not multipart/form-data", "see /openapi.json", exit_code=2
            )
        deadline = asyncio.get_running_loop().time() + self._settings.upload_seconds
        try:
            self._check_length(request)
            parser = _MemoryParser(
                request.headers, self._body(request, hold, deadline), max_files=2, max_fields=4,
                max_part_size=OPTIONS_BYTES,
            )
            async with asyncio.timeout_at(deadline):
                return await _form(await parser.parse())
        except MultiPartException as error:
            problem = refused(400, "form", "The form cannot be read", error.message, exit_code=2)
        except (TimeoutError, UnicodeError) as error:
            problem = _too_slow() if isinstance(error, TimeoutError) else _form_error("it is not valid text")
        except RefusedError as error:
            problem = error
        hold.release()
        await self._drain(request, deadline)
        raise problem

    def _check_length(self, request: Request) -> None:
        length = request.headers.get("content-length", "")
        if not length.isdecimal():
            return
        if int(length) > self._limit:
            raise self._too_large()
        if not self._ledger.room_for(int(length)):
            raise busy("too many uploads at the same time")

    async def _body(self, request: Request, hold: Hold, deadline: float) -> AsyncGenerator[bytes, None]:
        received = 0
        while True:
            async with asyncio.timeout(self._settings.idle_seconds):
                message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk = message.get("body", b"")
            received += len(chunk)
            if received > self._limit:
                raise self._too_large()
            if not self._ledger.room_for(len(chunk)):
                raise busy("too many uploads at the same time")
            hold.add(len(chunk))
            yield chunk
            if not message.get("more_body", False):
                return

    async def _drain(self, request: Request, deadline: float) -> None:
        """Read on and drop, so that the client comes to read the answer; not for ever."""
        dropped = 0
        try:
            async with asyncio.timeout_at(deadline):
                while dropped < _DRAINED:
                    async with asyncio.timeout(self._settings.idle_seconds):
                        message = await request.receive()
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        return
                    dropped += len(message.get("body", b""))
        except TimeoutError:
            return

    @property
    def _limit(self) -> int:
        return self._settings.max_bytes + OPTIONS_BYTES + _FRAME

    def _too_large(self) -> RefusedError:
        limit = f"{self._settings.max_bytes / MIB:g} MiB"
        return refused(413, "too-large", "The file is too large", f"the limit is {limit}", "scale the picture down")


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


def _too_slow() -> RefusedError:
    return refused(408, "slow", "The upload took too long", "it was given up", "try again, or a smaller file")
