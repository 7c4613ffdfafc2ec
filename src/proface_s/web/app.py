"""The application: its routes, their OpenAPI description, and the middleware in front of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from .. import __version__
from ..api import Session
from . import operations
from .about import ServiceInfo
from .connections.send_timeout import SendTimeout
from .guard import ENTER, AccessGuard
from .inspect_response import InspectResponse
from .login import BrowserLogin
from .models import (
    DetectRequest,
    DetectResponse,
    GeneratedPassphrase,
    PreviewRequest,
    ProtectRequest,
    RecoverRequest,
)
from .operations import JobResult
from .problems import MEDIA_TYPE, Problem, RefusedError, problem_of, problem_response, refused
from .responses import FACTS_HEADER, STREAM, JobResponse
from .settings import MOST_PASSPHRASES, ServiceSettings
from .uploads import UploadReader
from .workers.job_queue import JobQueue, ProgressListener
from .workers.memory import MemoryBudget, MemoryHold
from .workers.worker_processes import WorkerProcesses

_MOST_CODE_BYTES: Final = 256
STATIC: Final = resources.files(__package__) / "static"
_REFUSALS: Final = {
    400: "the form cannot be read",
    401: "a token is needed",
    403: "the key does not open the file, or another site asked",
    408: "the upload took too long",
    413: "too large",
    415: "not a form",
    421: "unknown host",
    422: "the picture or the options cannot be used",
    503: "too much to do; see Retry-After",
}
_DESCRIPTION: Final = (
    "Protects the faces of photos, and brings them back. Uploads are multipart/form-data: the file `photo`, and "
    f"`options` as JSON. With `Accept: {STREAM}` an answer is a stream of JSON lines that begins with the progress; a "
    f"picture comes in its `data` lines. Otherwise a picture is the answer's body, its facts are in `{FACTS_HEADER}`."
)


class UploadHandler:
    """Turn uploads into jobs, for all routes.

    Args:
        settings: limits.
        processes: the workers that do the jobs.
    """

    def __init__(self, settings: ServiceSettings, processes: WorkerProcesses) -> None:
        self.settings, self.processes = settings, processes
        self.memory = MemoryBudget(settings.held_bytes)
        self.queue = JobQueue(settings.workers, settings.waiting)
        self._reader = UploadReader(settings, self.memory)

    async def answer(self, request: Request, task: str, options: type[BaseModel] | None = None) -> Response:
        """Read an upload, queue its job, and respond with the result.

        Args:
            request: the upload.
            task: name of the job in `proface_s.web.operations.KINDS`.
            options: model of the options sent with the photo; None if the task has no options.
        """
        hold = MemoryHold(self.memory)
        try:
            form = await self._reader.read(request, hold)
            parsed = form.parsed(options) if options is not None else None
            _check_passphrases(parsed)
            given = {"work": task, "options": parsed.model_dump_json() if parsed is not None else "{}"}
            job = self.queue.submit(self._on(given, form.photo))
        except BaseException:
            hold.release()
            raise
        stream = STREAM in request.headers.get("accept", "")
        return JobResponse(job, hold, stream=stream, debug=self.settings.debug)

    def _on(self, task: dict[str, str], photo: bytes) -> Callable[[ProgressListener], JobResult]:
        return lambda tell: self.processes.run(task, photo, tell)

    def close(self) -> None:
        """Stop all work and end the worker processes."""
        self.queue.close()
        self.processes.close()


def _check_passphrases(options: BaseModel | None) -> None:
    """Refuse more passphrases than the service would try when the file is opened again."""
    if isinstance(options, ProtectRequest):
        texts = {each.passphrase for each in options.own} | {options.passphrase}
        texts.discard(None)
        if len(texts) > MOST_PASSPHRASES:
            raise refused(
                422,
                "usage",
                "The request makes no sense",
                f"there are {len(texts)} passphrases; one photo can have {MOST_PASSPHRASES} here",
                "let several faces share one",
                exit_code=2,
            )


def create_app(
    settings: ServiceSettings,
    session: Session | None = None,
    *,
    processes: WorkerProcesses | None = None,
    login: BrowserLogin | None = None,
) -> ASGIApp:
    """Return the service as an ASGI application, with its guards around it.

    Args:
        settings: address, token and limits.
        session: copied to every worker process, which loads its own models; a new one if None.
        processes: the worker processes; started from the session if None.
        login: hands the token to the user's own browser; to nobody if None.
    """
    uploads = UploadHandler(
        settings, processes or WorkerProcesses(settings, session or Session(max_pixels=settings.max_pixels))
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        uploads.processes.start()
        yield
        uploads.close()

    app = FastAPI(
        title="PRO-Face S",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    _add_pages(app)
    _add_questions(app, uploads)
    _add_login(app, login or BrowserLogin(None), settings)
    _add_uploads(app, uploads)
    _add_failures(app, settings)
    plain = app.openapi
    app.openapi = lambda: _with_options(plain())  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return SendTimeout(AccessGuard(app, settings), settings.idle_seconds)


def _add_pages(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=str(STATIC)))

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(str(STATIC / "index.html"))


def _add_questions(app: FastAPI, uploads: UploadHandler) -> None:
    @app.get("/api/about", responses=_responses(401, 421))
    async def about() -> ServiceInfo:
        """Return the styles and limits of this service."""
        return operations.about(uploads.settings)

    @app.post("/api/passphrase", responses=_responses(401, 403, 421))
    async def passphrase() -> GeneratedPassphrase:
        """Generate a passphrase of six random words; the service does not keep it."""
        return operations.phrase()


def _add_login(app: FastAPI, login: BrowserLogin, settings: ServiceSettings) -> None:
    @app.post(ENTER, include_in_schema=False)
    async def enter(request: Request) -> Response:
        """Exchange the one-time code, shown to the user of this machine, for the token."""
        code = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settings.idle_seconds):
                async for part in request.stream():
                    code += part
                    if len(code) > _MOST_CODE_BYTES:
                        break
        token = login.redeem(code.decode("ascii", "replace"))
        if token is None:
            raise refused(
                403,
                "code",
                "The code is not valid any more",
                "it works once, and for two minutes",
                "open the address that the service printed when it started",
            )
        return JSONResponse({"token": token})


def _add_uploads(app: FastAPI, uploads: UploadHandler) -> None:
    @app.post(
        "/api/detect", response_model=DetectResponse, responses=_responses(), openapi_extra=_upload(DetectRequest)
    )
    async def detect(request: Request) -> Response:
        """Find the faces of a photo and number them."""
        return await uploads.answer(request, "detect", DetectRequest)

    @app.post("/api/inspect", response_model=InspectResponse, responses=_responses(), openapi_extra=_upload())
    async def inspect(request: Request) -> Response:
        """Show what a protected file holds, without a key."""
        return await uploads.answer(request, "inspect")

    @app.post("/api/render", responses=_picture("image/jpeg"), response_class=Response, openapi_extra=_upload())
    async def render(request: Request) -> Response:
        """Return a picture as a JPEG preview, for formats that browsers do not display."""
        return await uploads.answer(request, "render")

    @app.post(
        "/api/preview", responses=_picture("image/png"), response_class=Response, openapi_extra=_upload(PreviewRequest)
    )
    async def preview(request: Request) -> Response:
        """Cover a whole small picture: the crop of one face."""
        return await uploads.answer(request, "preview", PreviewRequest)

    kept = ("image/png", "image/webp", "image/tiff")

    both = (*kept, "image/jpeg", "multipart/form-data")

    @app.post("/api/protect", responses=_picture(*both), response_class=Response, openapi_extra=_upload(ProtectRequest))
    async def protect(request: Request) -> Response:
        """Hide the faces of a photo under one or more keys.

        With `share`, the answer has two parts, multipart/form-data: the picture `protected`, and its copy `share`.
        """
        return await uploads.answer(request, "protect", ProtectRequest)

    @app.post(
        "/api/recover",
        responses=_picture(*kept, "image/jpeg"),
        response_class=Response,
        openapi_extra=_upload(RecoverRequest),
    )
    async def recover(request: Request) -> Response:
        """Restore the faces that the given keys open."""
        return await uploads.answer(request, "recover", RecoverRequest)


def _add_failures(app: FastAPI, settings: ServiceSettings) -> None:
    @app.exception_handler(RefusedError)
    async def turned_away(_: Request, error: RefusedError) -> Response:
        return problem_response(error.problem, error.headers)

    @app.exception_handler(HTTPException)
    async def no_such_thing(_: Request, error: HTTPException) -> Response:
        text = str(error.detail)
        known = refused(error.status_code, "http", text, text, "see /openapi.json", exit_code=2)
        return problem_response(known.problem, error.headers)

    @app.exception_handler(RequestValidationError)
    async def misdescribed(_: Request, error: RequestValidationError) -> Response:
        known = refused(422, "options", "The request is not as described", "see /openapi.json", exit_code=2)
        return problem_response(known.problem)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # the client has gone

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, error: Exception) -> Response:
        return problem_response(problem_of(error, debug=settings.debug))


def _responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": text, "content": problem}
        for status, text in _REFUSALS.items()
        if not statuses or status in statuses
    }


def _picture(*kinds: str) -> dict[int | str, dict[str, Any]]:
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {200: {"description": f"the picture; facts in {FACTS_HEADER}", "content": content}, **_responses()}


def _upload(options: type[BaseModel] | None = None) -> dict[str, Any]:
    """Describe an upload; FastAPI cannot, because it must not read the body."""
    properties: dict[str, Any] = {"photo": {"type": "string", "format": "binary"}}
    encoding = {"photo": {"contentType": "application/octet-stream"}}
    if options is not None:
        properties["options"] = {"$ref": f"#/components/schemas/{options.__name__}"}
        encoding["options"] = {"contentType": "application/json"}
    schema = {"type": "object", "required": ["photo"], "properties": properties}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema, "encoding": encoding}}}
    }


def _with_options(description: dict[str, Any]) -> dict[str, Any]:
    """Add the models that only the hand-written parts of the description refer to."""
    kinds = [(kind, "validation") for kind in (DetectRequest, PreviewRequest, ProtectRequest, RecoverRequest, Problem)]
    _, extra = models_json_schema(kinds, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    description.setdefault("components", {}).setdefault("schemas", {}).update(extra["$defs"])
    return description
