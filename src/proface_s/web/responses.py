"""Responses to jobs: the picture itself or, if the client accepts ``application/x-ndjson``, a stream with the progress.

The lines of such a stream are JSON objects: any number of ``{"event": "progress", "stage", "done", "total"}``, then
either ``{"event": "problem", ...}`` or ``{"event": "result", ...}`` with the facts.  If there is a picture, its parts
follow as ``{"event": "data", "base64"}``.  A second picture begins with ``{"event": "file", "name", "media_type"}``,
and its parts follow.  ``{"event": "end"}`` comes last.  Without a stream, two pictures are parts of a multipart body.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from fastapi.responses import JSONResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .problems import body, problem_of, problem_response
from .workers.job_queue import QueuedJob
from .workers.jobs import JobResult, ResultFile
from .workers.memory import MemoryHold

STREAM: Final = "application/x-ndjson"
FACTS_HEADER: Final = "ProFace-Result"
PART: Final = 3 << 17  # bytes; a multiple of three, so that the base64 parts can be joined


class JobResponse(Response):
    """Wait for a job and send its result; abandon the job if the client leaves first.

    Args:
        job: the queued job.
        hold: memory held by the request; released at the end in any case.
        stream: whether to send the progress.
        debug: see `ServiceSettings`.

    Attributes:
        what: what the job is about, in words.
    """

    def __init__(self, job: QueuedJob[JobResult], hold: MemoryHold, *, stream: bool, debug: bool) -> None:
        super().__init__()
        self._job, self._hold, self._stream, self._debug = job, hold, stream, debug
        self.what = "picture"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        gone = asyncio.create_task(_until_gone(receive))
        sent = asyncio.create_task(self._lines(send) if self._stream else self._whole(scope, receive, send))
        try:
            await asyncio.wait({gone, sent}, return_when=asyncio.FIRST_COMPLETED)
            if sent.done():
                sent.result()
        finally:
            self._job.drop()
            self._hold.release()
            for task in (gone, sent):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(gone, sent, return_exceptions=True)

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._response())(scope, receive, send)

    async def _response(self) -> Response:
        try:
            done = await self._job.result()
        except Exception as error:
            return problem_response(problem_of(error, self.what, debug=self._debug))
        return self.whole(done)

    def whole(self, done: JobResult) -> Response:
        """Return the response that is not a stream."""
        if not done.files:
            return JSONResponse(done.facts)
        headers = {FACTS_HEADER: json.dumps(done.facts)}
        if len(done.files) > 1:
            body, media_type = as_multipart(done.files)
        else:
            (file,) = done.files
            body, media_type = file.data, file.media_type
            headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
        self._hold.add(len(body))
        return Response(body, headers=headers, media_type=media_type)

    async def _lines(self, send: Send) -> None:
        headers = [(b"content-type", STREAM.encode()), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for event in self._events():
            line = json.dumps(event).encode() + b"\n"
            await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _events(self) -> AsyncIterator[dict[str, Any]]:
        while (step := await self._job.steps.get()) is not None:
            yield {"event": "progress", "stage": step.stage, "done": step.done, "total": step.total}
        try:
            done = await self._job.result()
        except Exception as error:
            yield {"event": "problem", **body(problem_of(error, self.what, debug=self._debug))}
            return
        async for event in self.events(done):
            yield event

    async def events(self, done: JobResult) -> AsyncIterator[dict[str, Any]]:
        """Yield the events of a stream that follow the progress."""
        self._hold.add(sum(len(file.data) for file in done.files))
        kinds = [file.media_type for file in done.files[:1]]
        yield {"event": "result", **done.facts, **({"media_type": kinds[0]} if kinds else {})}
        for number, file in enumerate(done.files):
            if number:
                yield {"event": "file", "name": file.name, "media_type": file.media_type}
            for start in range(0, len(file.data), PART):
                yield data_event(file.data[start : start + PART])
        yield {"event": "end"}


def data_event(data: bytes) -> dict[str, str]:
    """Return a part of a file as an event of a stream."""
    return {"event": "data", "base64": base64.b64encode(data).decode()}


def as_multipart(files: Sequence[ResultFile]) -> tuple[bytes, str]:
    """Return files as a body of the kind multipart/form-data, with its media type.

    Each part is called like its file, without the suffix.

    Args:
        files: at least one.
    """
    boundary = secrets.token_hex(24)
    line = b"-" * 2 + boundary.encode()  # RFC 2046, section 5.1.1
    parts = []
    for file in files:
        name = file.name.partition(".")[0]
        head = f'Content-Disposition: form-data; name="{name}"; filename="{file.name}"\r\n'
        parts += [line, b"\r\n", f"{head}Content-Type: {file.media_type}\r\n\r\n".encode(), file.data, b"\r\n"]
    return b"".join([*parts, line, b"-" * 2, b"\r\n"]), f"multipart/form-data; boundary={boundary}"


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
