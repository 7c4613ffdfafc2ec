"""The application: routes, their description, and what stands in front of them."""

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
from .connections.send_timeout import Patience
from .entrance import Entrance
from .guard import ENTER, Guard
from .models import (
    About,
    DetectAnswer,
    DetectOptions,
    InspectAnswer,
    Phrase,
    PreviewOptions,
    ProtectOptions,
    RecoverOptions,
)
from .operations import Done
from .problems import MEDIA_TYPE, Problem, RefusedError, problem_of, problem_response, refused
from .responses import FACTS_HEADER, STREAM, JobAnswer
from .settings import MOST_PASSPHRASES, Settings
from .uploads import Reader
from .workers.crew import Crew
from .workers.memory import Hold, Ledger
from .workers.pool import Listener, Pool

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


class Desk:
    """Uploads in, jobs out: shared by all routes.

    Args:
        settings: limits.
        crew: the worker processes.
    """

    def __init__(self, settings: Settings, crew: Crew) -> None:
        self.settings, self.crew = settings, crew
        self.ledger = Ledger(settings.held_bytes)
        self.pool = Pool(settings.workers, settings.waiting)
        self._reader = Reader(settings, self.ledger)

    async def answer(self, request: Request, task: str, options: type[BaseModel] | None = None) -> Response:
        """Read an upload, find a place for its work, and answer when that is done.

        Args:
            request: the upload.
            task: its name in `proface_s.web.operations.KINDS`.
            options: the model of the options beside the photo; None for a task without any.
        """
        hold = Hold(self.ledger)
        try:
            form = await self._reader.read(request, hold)
            parsed = form.parsed(options) if options is not None else None
            _check_passphrases(parsed)
            given = {"work": task, "options": parsed.model_dump_json() if parsed is not None else "{}"}
            job = self.pool.submit(self._on(given, form.photo))
        except BaseException:
            hold.release()
            raise
        stream = STREAM in request.headers.get("accept", "")
        return JobAnswer(job, hold, stream=stream, debug=self.settings.debug)

    def _on(self, task: dict[str, str], photo: bytes) -> Callable[[Listener], Done]:
        return lambda tell: self.crew.run(task, photo, tell)

    def close(self) -> None:
        """Stop all work and end the worker processes."""
        self.pool.close()
        self.crew.close()


def _check_passphrases(options: BaseModel | None) -> None:
    """Refuse a photo with more passphrases than the service would derive keys for when it is opened again."""
    if isinstance(options, ProtectOptions):
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
    settings: Settings, session: Session | None = None, *, crew: Crew | None = None, entrance: Entrance | None = None
) -> ASGIApp:
    """The service, with its guards around it.

    Args:
        settings: limits and doors.
        session: what the worker processes work with; each loads its own models.  A fresh one if None.
        crew: the worker processes; made from the session if None.
        entrance: gives the token to one's own browser; to nobody if None.
    """
    desk = Desk(settings, crew or Crew(settings, session or Session(max_pixels=settings.max_pixels)))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        desk.crew.start()
        yield
        desk.close()

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
    _add_questions(app, desk)
    _add_entrance(app, entrance or Entrance(None), settings)
    _add_uploads(app, desk)
    _add_failures(app, settings)
    plain = app.openapi
    app.openapi = lambda: _with_options(plain())  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return Patience(Guard(app, settings), settings.idle_seconds)


def _add_pages(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=str(STATIC)))

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(str(STATIC / "index.html"))


def _add_questions(app: FastAPI, desk: Desk) -> None:
    @app.get("/api/about", responses=_responses(401, 421))
    async def about() -> About:
        """Styles and limits of this service."""
        return operations.about(desk.settings)

    @app.post("/api/passphrase", responses=_responses(401, 403, 421))
    async def passphrase() -> Phrase:
        """A fresh passphrase of six random words; it is not kept."""
        return operations.phrase()


def _add_entrance(app: FastAPI, entrance: Entrance, settings: Settings) -> None:
    @app.post(ENTER, include_in_schema=False)
    async def enter(request: Request) -> Response:
        """The token for the code that this machine's user was given; it works once."""
        code = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settings.idle_seconds):
                async for part in request.stream():
                    code += part
                    if len(code) > _MOST_CODE_BYTES:
                        break
        token = entrance.redeem(code.decode("ascii", "replace"))
        if token is None:
            raise refused(
                403,
                "code",
                "The code is not valid any more",
                "it works once, and for two minutes",
                "open the address that the service printed when it started",
            )
        return JSONResponse({"token": token})


def _add_uploads(app: FastAPI, desk: Desk) -> None:
    @app.post("/api/detect", response_model=DetectAnswer, responses=_responses(), openapi_extra=_upload(DetectOptions))
    async def detect(request: Request) -> Response:
        """Find the faces of a photo, and number them."""
        return await desk.answer(request, "detect", DetectOptions)

    @app.post("/api/inspect", response_model=InspectAnswer, responses=_responses(), openapi_extra=_upload())
    async def inspect(request: Request) -> Response:
        """Show what a protected file holds, without a key."""
        return await desk.answer(request, "inspect")

    @app.post("/api/render", responses=_picture("image/jpeg"), response_class=Response, openapi_extra=_upload())
    async def render(request: Request) -> Response:
        """A picture as a JPEG to look at, for formats that browsers do not show."""
        return await desk.answer(request, "render")

    @app.post(
        "/api/preview", responses=_picture("image/png"), response_class=Response, openapi_extra=_upload(PreviewOptions)
    )
    async def preview(request: Request) -> Response:
        """Cover a whole small picture: one face, cut out."""
        return await desk.answer(request, "preview", PreviewOptions)

    kept = ("image/png", "image/webp", "image/tiff")

    @app.post("/api/protect", responses=_picture(*kept), response_class=Response, openapi_extra=_upload(ProtectOptions))
    async def protect(request: Request) -> Response:
        """Hide the faces of a photo under keys."""
        return await desk.answer(request, "protect", ProtectOptions)

    @app.post("/api/recover", responses=_picture(*kept), response_class=Response, openapi_extra=_upload(RecoverOptions))
    async def recover(request: Request) -> Response:
        """Bring back the faces that a key opens."""
        return await desk.answer(request, "recover", RecoverOptions)


def _add_failures(app: FastAPI, settings: Settings) -> None:
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
        return Response(status_code=400)  # nobody reads it

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
    """The description of an upload, which FastAPI cannot know, because it must not read it."""
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
    """Add the models that only hand-written parts of the description speak of."""
    kinds = [(kind, "validation") for kind in (DetectOptions, PreviewOptions, ProtectOptions, RecoverOptions, Problem)]
    _, extra = models_json_schema(kinds, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    description.setdefault("components", {}).setdefault("schemas", {}).update(extra["$defs"])
    return description
