"""Uploads become jobs: read, queued, worked on, and answered."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from ..api import Session
from .clips.clip_models import ClipProtectRequest, HeldRequest
from .clips.clip_response import ClipResponse, HeldFileResponse
from .clips.held_files import HeldFile, HeldFiles, remove_leftovers
from .models import ProtectRequest
from .operations import KINDS
from .problems import no_space, refused
from .responses import STREAM, JobResponse
from .settings import MOST_PASSPHRASES, ServiceSettings
from .uploads import UploadForm, UploadReader
from .workers.job_queue import JobQueue
from .workers.jobs import ClipFiles
from .workers.memory import MemoryBudget, MemoryHold
from .workers.worker_processes import WorkerProcesses


class UploadHandler:
    """Turn uploads into jobs, for all routes.

    Clips have a queue and a worker of their own, so that photos need not wait for them.

    Args:
        settings: limits.
        processes: the workers that do the jobs on photos.
        session: copied to the worker that does the jobs on clips.
    """

    def __init__(self, settings: ServiceSettings, processes: WorkerProcesses, session: Session) -> None:
        self.settings, self.processes = settings, processes
        self.clip_processes = WorkerProcesses(settings, session, for_clips=True)
        self.memory = MemoryBudget(settings.held_bytes)
        self.files = HeldFiles(settings.clips.held)
        self.queue = JobQueue(settings.workers, settings.waiting)
        self.clip_queue = JobQueue(1, 2 * settings.clips.held)
        self._reader = UploadReader(settings, self.memory, self.files)

    def start(self) -> None:
        """Start the first worker, and remove what a service that was killed has left of clips."""
        remove_leftovers()
        self.processes.start()

    async def answer(self, request: Request, *tasks: str) -> Response:
        """Read an upload, queue its job, and respond with the result.

        Args:
            request: the upload.
            tasks: names of jobs in `proface_s.web.operations.KINDS`, for different fields of the upload: the field that
                it has decides.
        """
        kinds = {KINDS[task].field: task for task in tasks}
        hold = MemoryHold(self.memory)
        try:
            form = await self._reader.read(request, hold, tuple(kinds))
            stream = STREAM in request.headers.get("accept", "")
            if form.clip is not None:
                return self._clip_answer(form, form.clip, kinds["clip"], hold, stream=stream)
            return self._photo_answer(form, kinds["photo"], hold, stream=stream)
        except BaseException:
            hold.release()
            raise

    def _photo_answer(self, form: UploadForm, task: str, hold: MemoryHold, *, stream: bool) -> Response:
        given, _ = _task_of(form, task)
        job = self.queue.submit(lambda tell: self.processes.run(given, form.photo, tell))
        return JobResponse(job, hold, stream=stream, debug=self.settings.debug)

    def _clip_answer(self, form: UploadForm, clip: HeldFile, task: str, hold: MemoryHold, *, stream: bool) -> Response:
        with clip.in_use():
            clip.release()  # the reader held it
            given, options = _task_of(form, task)
            held = isinstance(options, HeldRequest) and options.hold
            if held and not stream:
                detail = f"a clip is held while the answer is read; that has to be a stream: Accept: {STREAM}"
                raise refused(422, "usage", "The request makes no sense", detail, "see /openapi.json", exit_code=2)
            try:
                output = self.files.new(upload=False)
            except OSError:
                raise no_space() from None
            with output.in_use():
                paths = ClipFiles(clip.path, clip.people, output.path)
                given["files"] = paths.fields()
                job = self.clip_queue.submit(lambda tell: self.clip_processes.run(given, b"", tell))
                limits = self.settings.clips
                return ClipResponse(
                    job, hold, (clip, output), limits, stream=stream, held=held, debug=self.settings.debug
                )

    async def held(self, name: str) -> Response:
        """Respond with a file that is held.

        Raises:
            RefusedError: 404 if there is none.
        """
        file = self.files.get(name)
        if file is None or not file.path.exists():
            raise refused(404, "not-held", "The file is not here any more", "no file of this name is held")
        return HeldFileResponse(file)

    def close(self) -> None:
        """Stop all work, end the worker processes, and remove all files."""
        for queue in (self.queue, self.clip_queue):
            queue.close()
        self.processes.close()
        self.clip_processes.close()
        self.files.close()


def _task_of(form: UploadForm, task: str) -> tuple[dict[str, Any], BaseModel | None]:
    """Return the message to a worker, and the options."""
    kind = KINDS[task].options
    parsed = form.parsed(kind) if kind is not None else None
    _check_passphrases(parsed)
    return {"work": task, "options": parsed.model_dump_json() if parsed is not None else "{}"}, parsed


def _check_passphrases(options: BaseModel | None) -> None:
    """Refuse more passphrases than the service would try when the file is opened again."""
    if isinstance(options, ProtectRequest | ClipProtectRequest):
        texts = {each.passphrase for each in options.own} | {options.passphrase}
        texts.discard(None)
        if len(texts) > MOST_PASSPHRASES:
            raise refused(
                422,
                "usage",
                "The request makes no sense",
                f"there are {len(texts)} passphrases; one file can have {MOST_PASSPHRASES} here",
                "let several faces share one",
                exit_code=2,
            )
