"""Run the service: a socket, a browser, and nothing in a log."""

from __future__ import annotations

import socket
import threading
import webbrowser
from collections.abc import Callable
from urllib.parse import quote

import python_multipart  # noqa: F401  # what reads forms; missing, it would be missed only at the first upload
import uvicorn
from starlette.types import ASGIApp

from ..api import Session
from ..errors import UsageError
from .app import create_app
from .connections.door import Doorkeeper, DoorLimits
from .entrance import Entrance
from .settings import Settings
from .workers.crew import Crew


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is a free one.

    Raises:
        UsageError: there is no such host, or the port is taken.
    """
    try:
        family, *_, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot listen on {host}, port {port}: {reason}"
        raise UsageError(message, "choose another port", code="port") from None


def address_of(listening: socket.socket, settings: Settings) -> str:
    """Return the address of the page."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host).strip("[]")
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}/"


def with_token(address: str, settings: Settings) -> str:
    """Add the token to an address, behind ``#``, which browsers do not send."""
    return f"{address}#token={quote(settings.token, safe='')}" if settings.token else address


def config(app: ASGIApp, limits: DoorLimits | None = None) -> uvicorn.Config:
    """Configure uvicorn: it logs nothing, and trusts no proxy headers.

    Args:
        app: from `create_app`.
        limits: of connections; the usual ones if None.
    """
    door = Doorkeeper(limits or DoorLimits()).door()
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        http=door,
        loop="asyncio",
        timeout_keep_alive=10,
        timeout_graceful_shutdown=5,
    )


def serve(
    settings: Settings, listening: socket.socket, *, threads: int, open_browser: bool, ready: Callable[[str], None]
) -> None:
    """Answer until interrupted.

    Args:
        settings: limits and doors.
        listening: from `bind`.
        threads: of the models, per worker; 0 for all cores.
        open_browser: show the page.
        ready: called with the address, without the token, once the service answers.
    """
    crew = Crew(settings, Session(threads=threads, max_pixels=settings.max_pixels))
    try:
        crew.check()  # a model that cannot be loaded is an error now, not at the first photo
    except BaseException:
        crew.close()
        raise
    address = address_of(listening, settings)
    entrance = Entrance(settings.token)

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(address)
            if open_browser:
                threading.Thread(target=webbrowser.open, args=(entrance.page_for(address),), daemon=True).start()

    try:
        Announcing(config(create_app(settings, crew=crew, entrance=entrance))).run([listening])
    finally:
        entrance.close()
        crew.close()
