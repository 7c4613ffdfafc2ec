"""Access checks (Host against DNS rebinding, Origin against other sites' pages, token) and security headers."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import RefusedError, problem_response, refused
from .settings import ServiceSettings, is_loopback

ENTER: Final = "/api/enter"  # exchanges a one-time code for the token
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})

POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class AccessGuard:
    """ASGI middleware that rejects foreign requests and adds security headers to every response.

    Args:
        app: the application to protect.
        settings: the host and token to check against.
    """

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app, self._token = app, settings.token
        self._names = known_names(settings.host)
        self._any_address = settings.host in ("0.0.0.0", "::")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request, then pass it on or reject it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, marked)
        else:
            await problem_response(refusal.problem, refusal.headers)(scope, receive, marked)

    def _refusal(self, scope: Scope, headers: Headers) -> RefusedError | None:
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._knows(host):
            return refused(
                421, "host", "Unknown host", "this service does not answer to that name", "use the address it printed"
            )
        if scope["method"] not in ("GET", "HEAD") and not _same_origin(scope["scheme"], host, headers):
            return refused(403, "origin", "Another site's page asked", "only this service's own page may ask")
        path: str = scope["path"]
        if self._token is None or path in ("/", ENTER) or path.startswith("/static/"):
            return None
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and secrets.compare_digest(given.strip().encode(), self._token.encode()):
            return None
        return refused(
            401,
            "token",
            "A token is needed",
            "the request carries no token, or a wrong one",
            "open the address that the service printed when it started",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _knows(self, host: str) -> bool:
        name = _without_port(host).lower()
        return name in self._names or (self._any_address and _is_address(name))


def known_names(host: str) -> frozenset[str]:
    """Return the ``Host`` header names of a service that listens on ``host``.

    If it listens on every address, these include this machine's own name; IP addresses are checked separately.
    """
    plain = host.lower().strip("[]")
    own = f"[{plain}]" if ":" in plain else plain
    if is_loopback(host):
        return LOOPBACK_NAMES | {own}
    return frozenset({own} | ({socket.gethostname().lower()} | LOOPBACK_NAMES if plain in ("0.0.0.0", "::") else set()))


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() and not (name.startswith("[") and not name.endswith("]")) else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _same_origin(scheme: str, host: str, headers: Headers) -> bool:
    """Return whether a state-changing request comes from this service's own page, or from no page at all."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and origin.lower() != f"{scheme}://{host}".lower():
        return False
    return site is None or site.lower() in ("same-origin", "none")
