"""Uploads: a photo or a clip, and its options, read within limits on time and size before any work begins.

Photos are read into memory, clips into a file that `HeldFiles` keeps.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from typing import IO, Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from ..errors import UsageError
from .clips.held_files import HeldFile, HeldFiles
from .problems import RefusedError, busy, invalid, no_space, problem_of, refused
from .settings import MIB, OPTIONS_BYTES, ServiceSettings, takes_clips
from .workers.memory import MemoryBudget, MemoryHold

Options = TypeVar("Options", bound=BaseModel)

PHOTO: Final = "photo"
CLIP: Final = "clip"
OPTIONS: Final = "options"
_FRAME: Final = 64 << 10  # added by multipart around the file and its options
_LEAST_RATE: Final = 8192  # bytes per second, once the permitted pause is over
_DRAINED: Final = (
    1 << 30
)  # of a rejected upload that are still read: a client that cannot finish sending may not see the reason


class _FormParser(MultiPartParser):
    """Starlette's parser, which spools files above 1 MB to disk: here photos stay in memory, clips go to a given file.

    Args:
        upload: what is parsed.
    """

    spool_max_size = 1 << 62

    def __init__(self, upload: _Upload) -> None:
        super().__init__(upload.request.headers, upload.parts(), max_files=2, max_fields=4, max_part_size=OPTIONS_BYTES)
        self._begin = upload.begin

    def on_headers_finished(self) -> None:
        """Decide where a file goes, which its field tells."""
        super().on_headers_finished()
        part = self._current_part
        if part.file is not None and (file := self._begin(part.field_name)) is not None:
            part.file.file.close()
            part.file.file = file  # type: ignore[assignment]
            self._files_to_close_on_error.append(file)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class UploadForm:
    """An upload: a file and the JSON text sent with it.  The file's name is ignored.

    Attributes:
        photo: its bytes; empty if it is a clip.
        options: JSON text.
        clip: the file of a clip, which may have been held before; None for a photo.
    """

    photo: bytes
    options: str
    clip: HeldFile | None = None

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
        files: keeps the clips.
    """

    def __init__(self, settings: ServiceSettings, memory: MemoryBudget, files: HeldFiles) -> None:
        self._settings, self._memory, self._files = settings, memory, files

    async def read(self, request: Request, hold: MemoryHold, fields: Collection[str] = (PHOTO,)) -> UploadForm:
        """Read a ``multipart/form-data`` upload.

        Args:
            request: a request whose body has not been read.
            hold: counts the bytes in memory; the caller releases it.
            fields: names of the fields of which one holds the file: `PHOTO`, `CLIP` or both.

        Returns:
            The form.  Its clip is held once more, for the caller to release.

        Raises:
            RefusedError: with status 400, 404, 408, 413, 415, 422, 503 or 507.
            ClientDisconnect: if the client has disconnected.
        """
        upload = _Upload(request, self._settings, self._memory, hold, self._files, fields)
        try:
            return await self._read(upload)
        except RefusedError as error:
            problem = error
        except BaseException:
            upload.discard()
            raise
        hold.release()
        upload.discard()
        await upload.drain()
        raise problem

    async def _read(self, upload: _Upload) -> UploadForm:
        try:
            upload.check()
            parser = _FormParser(upload)
            async with asyncio.timeout_at(upload.deadline) as upload.limit:
                return await upload.form(await parser.parse())
        except MultiPartException as error:
            raise _form_error(error.message) from None
        except UnicodeError:
            raise _form_error("it is not valid text") from None
        except TimeoutError:
            upload.ended = True  # nothing more is read from it
            raise refused(
                408, "slow", "The upload took too long", "it was given up", "try again, or a smaller file"
            ) from None
        except OSError:
            raise no_space() from None


class _Upload:
    """The body of one request while it is being received.

    Attributes:
        request: the request.
        deadline: when the upload is abandoned, in the event loop's time.
        limit: the timeout of the upload, once it has begun.
        ended: whether its body is at its end.
    """

    def __init__(
        self,
        request: Request,
        settings: ServiceSettings,
        memory: MemoryBudget,
        hold: MemoryHold,
        files: HeldFiles,
        fields: Collection[str],
    ) -> None:
        self.request, self._settings, self._memory, self._hold = request, settings, memory, hold
        self._files, self._fields = files, fields
        self._clip: HeldFile | None = None
        self.ended = False
        self.limit: asyncio.Timeout | None = None
        self.deadline = asyncio.get_running_loop().time() + settings.upload_seconds

    def check(self) -> None:
        """Reject the upload if its headers already show that it is too large or of the wrong type."""
        headers = self.request.headers
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
            raise refused(
                415, "form", "Not a form", "the request is not multipart/form-data", "see /openapi.json", exit_code=2
            )
        if self._length:
            self._check_size(self._length, 0 if CLIP in self._fields else self._length, clip=CLIP in self._fields)

    def begin(self, field: str) -> IO[bytes] | None:
        """Return the file for what a field holds; None for memory.

        Raises:
            RefusedError: 413 if the request is too large for a file in this field, 422 if clips are not taken, 503 if
                there are too many, 507 if they cannot be stored.
        """
        if field != CLIP or CLIP not in self._fields:
            self._check_size(self._length, 0)
            return None
        if self._clip is not None:
            raise _form_error(f"there are several files in its field {CLIP!r}")
        _check_clips_are_taken()
        try:
            self._clip = self._files.new(upload=True)
            self._clip.hold()
            file = self._clip.begin()
        except OSError:
            raise no_space() from None
        if self.limit is not None:
            more = self._settings.clips.upload_seconds - self._settings.upload_seconds
            self.deadline += more
            self.limit.reschedule(self.deadline)
        return file

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """Yield the body part by part, within the limits, and count against the memory budget what stays there."""
        loop = asyncio.get_running_loop()
        received, begun = 0, loop.time()
        while not self.ended:
            part = await self._next()
            received += len(part)
            if received < _LEAST_RATE * (loop.time() - begun - self._settings.idle_seconds):
                raise TimeoutError
            in_memory = self._clip is None
            self._check_size(received, len(part) if in_memory else 0, clip=not in_memory)
            if in_memory:
                self._hold.add(len(part))
            yield part

    async def form(self, form: FormData) -> UploadForm:
        """Return what was sent.

        Raises:
            RefusedError: 400 if something is missing, 404 if there is no clip of a name.
        """
        try:
            options = await _options_of(form)
            if len([field for field in self._fields if field in form]) > 1:
                raise _form_error(f"it has both {PHOTO!r} and {CLIP!r}")
            if self._clip is not None:
                return UploadForm(b"", options, self._clip)
            clip = form.get(CLIP) if CLIP in self._fields else None
            if isinstance(clip, str):
                return UploadForm(b"", options, self._known(clip))
            photo = form.get(PHOTO) if PHOTO in self._fields else None
            if not isinstance(photo, UploadFile):
                raise _form_error(f"there is no file in its field {' or '.join(map(repr, self._fields))}")
            return UploadForm(await photo.read(), options)
        finally:
            await form.close()

    def discard(self) -> None:
        """Remove what was received of a clip."""
        clip, self._clip = self._clip, None
        if clip is not None:
            clip.release()

    async def drain(self) -> None:
        """Read and discard some more, within limits, so that the client gets to read the response."""
        dropped = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self.deadline):
                while not self.ended and dropped < _DRAINED:
                    dropped += len(await self._next())

    @property
    def _length(self) -> int:
        """Size of the body as its header tells; 0 if it does not."""
        length = self.request.headers.get("content-length", "")
        return int(length) if length.isdecimal() else 0

    def _known(self, name: str) -> HeldFile:
        """Return a clip that is held already, held once more."""
        clip = self._files.get(name)
        if clip is None:
            raise refused(
                404, "not-held", "The clip is not here any more",
                "no clip of this name is held: a clip is held as long as the answer that named it is read",
                "send the clip again",
            )  # fmt: skip
        clip.hold()
        return clip

    async def _next(self) -> bytes:
        async with asyncio.timeout(self._settings.idle_seconds):
            message = await self.request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self.ended = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part

    def _check_size(self, size: int, more: int, *, clip: bool = False) -> None:
        most = self._settings.clips.max_bytes if clip else self._settings.max_bytes
        if size > most + OPTIONS_BYTES + _FRAME:
            hint = "make it shorter or smaller" if clip else "scale the picture down"
            raise refused(413, "too-large", "The file is too large", f"the limit is {most / MIB:g} MiB", hint)
        if not self._memory.room_for(more):
            raise busy("too many uploads at the same time")


async def _options_of(form: FormData) -> str:
    options = form.get(OPTIONS, "")
    if isinstance(options, str):
        return options
    if (options.size or 0) > OPTIONS_BYTES:  # browsers can declare a part as JSON only together with a file name
        raise _form_error(f"its field {OPTIONS!r} is too long")
    return (await options.read()).decode()


def _check_clips_are_taken() -> None:
    if not takes_clips():
        error = UsageError("video files need av, which is not installed", code="missing-extra", extra="video")
        raise RefusedError(problem_of(error))


def _form_error(detail: str) -> RefusedError:
    return refused(400, "form", "The form cannot be read", detail, "see /openapi.json", exit_code=2)
