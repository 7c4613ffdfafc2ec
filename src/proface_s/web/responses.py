"""Responses to jobs: the picture itself or, if the client accepts ``application/x-ndjson``, a stream with the progress.

The lines of such a stream are JSON objects: any number of ``{"event": "progress", "stage", "done", "total"}``, then
either ``{"event": "problem", ...}`` or ``{"event": "result", ...}`` with the facts.  If there is a picture, its parts
follow as ``{"event": "data", "base64"}``, and ``{"event": "end"}`` comes last.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi.responses import JSONResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .operations import JobResult
from .problems import body, problem_of, problem_response
from .workers.job_queue import QueuedJob
from .workers.memory import MemoryHold

STREAM: Final = "application/x-ndjson"
FACTS_HEADER: Final = "ProFace-Result"
_PART: Final = 3 << 17  # bytes; a multiple of three, so that the base64 parts can be joined


class JobResponse(Response):
    """Wait for a job and send its result; abandon the job if the client leaves first.

    Args:
        job: the queued job.
        hold: memory held by the request; released at the end in any case.
        stream: whether to send the progress.
        debug: see `ServiceSettings`.
    """

    def __init__(self, job: QueuedJob[JobResult], hold: MemoryHold, *, stream: bool, debug: bool) -> None:
        super().__init__()
        self._job, self._hold, self._stream, self._debug = job, hold, stream, debug

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
            return problem_response(problem_of(error, debug=self._debug))
        if done.data is None:
            return JSONResponse(done.facts)
        self._hold.add(len(done.data))
        headers = {
            "Content-Disposition": f'attachment; filename="{done.name}"',
            FACTS_HEADER: json.dumps(done.facts),
        }
        return Response(done.data, headers=headers, media_type=done.media_type)

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
            yield {"event": "problem", **body(problem_of(error, debug=self._debug))}
            return
        yield {"event": "result", **done.facts, "media_type": done.media_type}
        data = done.data or b""
        self._hold.add(len(data))
        for start in range(0, len(data), _PART):
            yield {"event": "data", "base64": base64.b64encode(data[start : start + _PART]).decode()}
        yield {"event": "end"}


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
