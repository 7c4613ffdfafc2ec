"""Responses to jobs on clips: the file they made, read from disk part by part, or a stream that holds it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi.responses import FileResponse, JSONResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..responses import FACTS_HEADER, PART, JobResponse, data_event
from ..settings import ClipLimits
from ..workers.job_queue import QueuedJob
from ..workers.jobs import JobResult
from ..workers.memory import MemoryHold
from .held_files import HeldFile

_BEAT_SECONDS: Final = 5.0
CLIP_MEDIA: Final = {
    "mp4": "video/mp4", "mkv": "video/x-matroska", "avi": "video/x-msvideo", "ts": "video/mp2t", "mpg": "video/mpeg",
    "flv": "video/x-flv",
}  # fmt: skip


class ClipResponse(JobResponse):
    """Wait for a job on a clip and send its result; abandon the job, and remove the files, if the client leaves.

    A stream that is to hold the files ends with ``{"event": "held"}``, again and again, until the client leaves or has
    not used them for long.

    Args:
        job: the queued job.
        hold: memory held by the request; released at the end in any case.
        files: the clip, and what the job makes.
        limits: limits on clips.
        stream: whether to send the progress.
        held: whether to hold the files.
        debug: see `ServiceSettings`.
    """

    def __init__(
        self,
        job: QueuedJob[JobResult],
        hold: MemoryHold,
        files: tuple[HeldFile, HeldFile],
        limits: ClipLimits,
        *,
        stream: bool,
        held: bool,
        debug: bool,
    ) -> None:
        super().__init__(job, hold, stream=stream, debug=debug)
        self.what = "clip"
        self._clip, self._output = files
        self._limits, self._held = limits, held
        loop = asyncio.get_running_loop()
        for file in files:
            file.hold()
            file.begin_job()  # its process may write until it has ended
            job.when_ended(loop, file.end_job)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._clip.release()
            self._output.release()

    def whole(self, done: JobResult) -> Response:
        """Return the response that is not a stream."""
        if not self._output.path.exists():
            return JSONResponse(done.facts)
        name, media_type = _named(self._output, done)
        return FileResponse(
            self._output.path, media_type=media_type, filename=name, headers={FACTS_HEADER: json.dumps(done.facts)}
        )

    async def events(self, done: JobResult) -> AsyncIterator[dict[str, Any]]:
        """Yield the events of a stream that follow the progress."""
        made = self._output.path.exists()
        facts = dict(done.facts)
        if made:
            _, facts["media_type"] = _named(self._output, done)
        if not self._held:
            yield {"event": "result", **facts}
            if made:
                with self._output.path.open("rb") as file:
                    while part := await asyncio.to_thread(file.read, PART):
                        yield data_event(part)
            yield {"event": "end"}
            return
        yield {"event": "result", **facts, "clip": self._clip.name, "file": self._output.name if made else None}
        while min(self._clip.idle_seconds, self._output.idle_seconds) < self._limits.hold_seconds:
            yield {"event": "held"}
            await asyncio.sleep(_BEAT_SECONDS)
        yield {"event": "end"}


class HeldFileResponse(FileResponse):
    """A file that is held, and stays while it is sent.

    Args:
        file: the file.
    """

    def __init__(self, file: HeldFile) -> None:
        super().__init__(file.path, media_type="application/octet-stream")
        self._file = file
        file.hold()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.release()


def _named(file: HeldFile, done: JobResult) -> tuple[str, str]:
    """Return the name under which a file is offered, and its media type."""
    kind = str(done.facts["format"])
    return f"clip.{kind}", CLIP_MEDIA[kind]
