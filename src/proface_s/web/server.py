"""Run the service: open its socket and the browser, and log nothing."""

from __future__ import annotations

import socket
import threading
import webbrowser
from collections.abc import Callable
from urllib.parse import quote

import python_multipart  # noqa: F401  # parses forms; import it now, or its absence would show only at the first upload
import uvicorn
from starlette.types import ASGIApp

from ..api import Session
from ..errors import UsageError
from .app import create_app
from .connections.limiter import ConnectionLimiter, ConnectionLimits
from .login import BrowserLogin
from .settings import ServiceSettings
from .workers.worker_processes import WorkerProcesses


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 picks a free port.

    Raises:
        UsageError: if the host does not exist or the port is in use.
    """
    try:
        family, *_, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot listen on {host}, port {port}: {reason}"
        raise UsageError(message, code="port-in-use") from None


def address_of(listening: socket.socket, settings: ServiceSettings) -> str:
    """Return the address of the page."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host).strip("[]")
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}/"


def with_token(address: str, settings: ServiceSettings) -> str:
    """Append the token to an address after ``#``, a part that browsers do not send."""
    return f"{address}#token={quote(settings.token, safe='')}" if settings.token else address


def config(app: ASGIApp, limits: ConnectionLimits | None = None) -> uvicorn.Config:
    """Configure uvicorn: it logs nothing, and trusts no proxy headers.

    Args:
        app: the application, from `create_app`.
        limits: limits on connections; the defaults if None.
    """
    protocol = ConnectionLimiter(limits or ConnectionLimits()).protocol()
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        http=protocol,
        loop="asyncio",
        timeout_keep_alive=10,
        timeout_graceful_shutdown=5,
    )


def serve(
    settings: ServiceSettings,
    listening: socket.socket,
    *,
    threads: int,
    open_browser: bool,
    ready: Callable[[str], None],
) -> None:
    """Serve until interrupted.

    Args:
        settings: address, token and limits.
        listening: the socket, from `bind`.
        threads: threads of the models in each worker; 0 for all cores.
        open_browser: whether to open the page in the user's browser.
        ready: called with the address, without the token, once the service is ready.
    """
    processes = WorkerProcesses(settings, Session(threads=threads, max_pixels=settings.max_pixels))
    try:
        processes.check()  # report a model that cannot be loaded now, not at the first photo
    except BaseException:
        processes.close()
        raise
    address = address_of(listening, settings)
    login = BrowserLogin(settings.token)

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(address)
            if open_browser:
                threading.Thread(target=webbrowser.open, args=(login.page_for(address),), daemon=True).start()

    try:
        Announcing(config(create_app(settings, processes=processes, login=login))).run([listening])
    finally:
        login.close()
        processes.close()
