"""The application: its routes, their OpenAPI description, and the middleware in front of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
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
from .clips.clip_models import (
    ClipInspectResponse,
    ClipProtectRequest,
    ClipRecoverRequest,
    HeldRequest,
    PeopleRequest,
    PeopleResponse,
)
from .clips.clip_response import CLIP_MEDIA
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
from .problems import MEDIA_TYPE, Problem, RefusedError, problem_of, problem_response, refused
from .responses import FACTS_HEADER, STREAM
from .settings import ServiceSettings
from .upload_handler import UploadHandler
from .workers.worker_processes import WorkerProcesses

_MOST_CODE_BYTES: Final = 256
STATIC: Final = resources.files(__package__) / "static"
_REFUSALS: Final = {
    400: "the form cannot be read",
    401: "a token is needed",
    403: "the key does not open the file, or another site asked",
    404: "nothing of this name is held",
    408: "the upload took too long",
    413: "too large",
    415: "not a form",
    421: "unknown host",
    422: "the picture or the options cannot be used",
    503: "too much to do; see Retry-After",
    507: "no room to store a clip",
}
_PHOTOS: Final = ("image/png", "image/webp", "image/tiff", "image/jpeg")
_DESCRIPTION: Final = (
    "Protects the faces of photos and clips, and brings them back. Uploads are multipart/form-data: the file `photo` "
    f"or `clip`, and `options` as JSON. With `Accept: {STREAM}` an answer is a stream of JSON lines that begins with "
    "the progress; a file comes in its `data` lines. Otherwise a file is the answer's body, its facts are in "
    f"`{FACTS_HEADER}`."
)


class _NoOptions(BaseModel):
    """Stands for options that do not exist."""


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
        processes: the worker processes for photos; started from the session if None.
        login: hands the token to the user's own browser; to nobody if None.
    """
    session = session or Session(max_pixels=settings.max_pixels)
    uploads = UploadHandler(settings, processes or WorkerProcesses(settings, session), session)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        uploads.start()
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
    _add_protection(app, uploads)
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
        return await uploads.answer(request, "detect")

    @app.post(
        "/api/people", response_model=PeopleResponse, responses=_responses(), openapi_extra=_upload(clip=PeopleRequest)
    )
    async def people(request: Request) -> Response:
        """Find the people of a clip and number them."""
        return await uploads.answer(request, "people")

    @app.get("/api/held/{name}", responses=_held(), response_class=Response)
    async def held(name: str) -> Response:
        """Return a file that is held for the client: a clip that it sent, or what was made of it."""
        return await uploads.held(name)

    @app.post(
        "/api/inspect",
        response_model=InspectResponse | ClipInspectResponse,
        responses=_responses(),
        openapi_extra=_upload(_NoOptions, clip=HeldRequest),
    )
    async def inspect(request: Request) -> Response:
        """Show what a protected file holds, without a key."""
        return await uploads.answer(request, "inspect", "inspect-clip")

    @app.post(
        "/api/render", responses=_picture("image/jpeg"), response_class=Response, openapi_extra=_upload(_NoOptions)
    )
    async def render(request: Request) -> Response:
        """Return a picture as a JPEG preview, for formats that browsers do not display."""
        return await uploads.answer(request, "render")

    @app.post(
        "/api/preview", responses=_picture("image/png"), response_class=Response, openapi_extra=_upload(PreviewRequest)
    )
    async def preview(request: Request) -> Response:
        """Cover a whole small picture: the crop of one face."""
        return await uploads.answer(request, "preview")


def _add_protection(app: FastAPI, uploads: UploadHandler) -> None:
    @app.post(
        "/api/protect",
        responses=_picture(*_PHOTOS, "multipart/form-data", "video/mp4"),
        response_class=Response,
        openapi_extra=_upload(ProtectRequest, clip=ClipProtectRequest),
    )
    async def protect(request: Request) -> Response:
        """Hide the faces of a photo or a clip under one or more keys.

        With `share`, the answer has two parts, multipart/form-data: the picture `protected`, and its copy `share`.
        """
        return await uploads.answer(request, "protect", "protect-clip")

    @app.post(
        "/api/recover",
        responses=_picture(*_PHOTOS, *CLIP_MEDIA.values()),
        response_class=Response,
        openapi_extra=_upload(RecoverRequest, clip=ClipRecoverRequest),
    )
    async def recover(request: Request) -> Response:
        """Restore the faces that the given keys open."""
        return await uploads.answer(request, "recover", "recover-clip")


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


def _held() -> dict[int | str, dict[str, Any]]:
    content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": "the file", "content": content}, **_responses(401, 404, 421, 422)}


def _upload(photo: type[BaseModel] | None = None, clip: type[BaseModel] | None = None) -> dict[str, Any]:
    """Describe an upload, which FastAPI cannot, because it must not read the body.

    Args:
        photo: model of the options sent with a photo, `_NoOptions` if there are none; None if no photo is taken.
        clip: likewise for a clip.
    """
    taken = {name: options for name, options in (("photo", photo), ("clip", clip)) if options is not None}
    properties: dict[str, Any] = {name: {"type": "string", "format": "binary"} for name in taken}
    encoding = {name: {"contentType": "application/octet-stream"} for name in taken}
    models = [{"$ref": f"#/components/schemas/{each.__name__}"} for each in taken.values() if each is not _NoOptions]
    if models:
        properties["options"] = models[0] if len(models) == 1 else {"anyOf": models}
        encoding["options"] = {"contentType": "application/json"}
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if len(taken) == 1:
        schema["required"] = list(taken)
    else:
        schema["description"] = "a photo or a clip, and its options"
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema, "encoding": encoding}}}
    }


def _with_options(description: dict[str, Any]) -> dict[str, Any]:
    """Add the models that only the hand-written parts of the description refer to."""
    models = (
        DetectRequest, PreviewRequest, ProtectRequest, RecoverRequest, HeldRequest, PeopleRequest, ClipProtectRequest,
        ClipRecoverRequest, Problem,
    )  # fmt: skip
    kinds = [(kind, "validation") for kind in models]
    _, extra = models_json_schema(kinds, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    description.setdefault("components", {}).setdefault("schemas", {}).update(extra["$defs"])
    return description
