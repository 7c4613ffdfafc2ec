"""Limits on the number of connections and on the time that each may take to send its request.

uvicorn waits indefinitely for the end of a header, for the rest of an unread body, and for a client that does not read
the rest of a response.  A `LimitedConnection` adds a time limit for each of these to uvicorn's HTTP protocol; a
`ConnectionLimiter` watches all connections of the service.

::

    header ──► body ──────► working ────────► (idle ──► header ...)     closing: the response's end is being sent
     10 s      uploads.py   send_timeout.py    10 s                     10 s
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

Phase = Literal["header", "idle", "body", "working", "rest", "closing"]
_SWEEP_SECONDS: Final = 1.0
_LEAST_SECONDS: Final = 0.2  # an upload that has just begun is judged as if it had taken this long
_TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 21\r\n\r\ntoo many connections\n"
)
_TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 30\r\n\r\nthe request was not completed\n"
)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of connections.

    Attributes:
        connections: open at the same time; beyond that, one without a complete request makes way for a new one.
        per_address: of these, from one address; an IPv6 /64 network counts as one address.
        header_seconds: from the start of a connection, or of its next request, to the end of the header.
        rest_seconds: for the rest of a request's body after its response was sent, before the connection is closed.
        closing_seconds: for the client to read the rest of a response once the connection is closing.
    """

    connections: int = 256
    per_address: int = 128
    header_seconds: float = 10.0
    rest_seconds: float = 5.0
    closing_seconds: float = 10.0


class LimitedConnection(H11Protocol):
    """One connection; see `ConnectionLimiter.protocol`."""

    limiter: ConnectionLimiter

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the client if the limits allow it."""
        super().connection_made(transport)
        self.origin = origin_of(self.client[0] if self.client else "")
        self.since, self.taken, self._state = self.loop.time(), 0, ("header", 0)
        self.requests, self._begun = 0, True
        if not self.limiter.admit(self):
            transport.write(_TOO_MANY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection."""
        self.limiter.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receive data from the client; drop anything sent after a request and before its response.

        Reading goes on while the job runs, since only then does it show that the client has left.
        """
        if self.transport.is_closing():
            return
        self.taken += len(data)
        if self._answering():
            self.cycle.keep_alive = False  # the client repeats on a new connection what was dropped
            return
        before, self._begun = self.cycle, True
        super().data_received(data)
        if self.cycle is not before:
            self.requests += 1
        if self._answering() and self.conn.trailing_data[0]:
            self.cycle.keep_alive = False
            self.flow.resume_reading()

    def on_response_complete(self) -> None:
        """Wait for the next request after a response."""
        self._begun = False
        super().on_response_complete()

    def look(self, now: float) -> tuple[Phase, float]:
        """Return the current phase and its start, in the event loop's time."""
        phase = self._phase()
        if self._state != (phase, self.requests):
            self._state, self.since, self.taken = (phase, self.requests), now, 0
        return phase, self.since

    def _answering(self) -> bool:
        """Return whether a whole request has arrived and its response is not complete."""
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def _phase(self) -> Phase:
        if self.transport.is_closing():
            return "closing"
        if self.cycle is None:
            return "header"
        if not self.cycle.response_complete:
            return "body" if self.cycle.more_body else "working"
        if self.conn.their_state is h11.SEND_BODY:
            return "rest"
        return "header" if self._begun else "idle"


class ConnectionLimiter:
    """All connections of one service; used in its event loop only.

    Args:
        limits: limits on the connections.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: dict[LimitedConnection, None] = {}  # in order of arrival
        self._timer: asyncio.TimerHandle | None = None

    def protocol(self) -> type[LimitedConnection]:
        """Return the protocol class for uvicorn."""
        return type("WatchedConnection", (LimitedConnection,), {"limiter": self})

    def admit(self, connection: LimitedConnection) -> bool:
        """Count a new connection; if there are too many, close another one, or return False if none can be closed."""
        now = connection.loop.time()
        mine = [each for each in self._open if each.origin == connection.origin]
        crowd = mine if len(mine) >= self.limits.per_address else list(self._open)
        full = len(mine) >= self.limits.per_address or len(self._open) >= self.limits.connections
        victim = _least_wanted(crowd, now) if full else None
        if full and victim is None:
            return False
        if victim is not None:
            self.forget(victim)
            victim.transport.abort()
        self._open[connection] = None
        self._timer = self._timer or connection.loop.call_later(_SWEEP_SECONDS, self._sweep, connection.loop)
        return True

    def forget(self, connection: LimitedConnection) -> None:
        """Stop counting a connection."""
        self._open.pop(connection, None)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._open):
            phase, since = connection.look(now)
            if phase == "header" and now - since > self.limits.header_seconds:
                if (
                    connection.taken or connection.requests
                ):  # browsers open connections in advance and stay silent on them
                    connection.transport.write(_TOO_SLOW)
                connection.transport.close()
            elif phase == "rest" and now - since > self.limits.rest_seconds:
                connection.transport.close()
            elif phase == "closing" and now - since > self.limits.closing_seconds:
                connection.transport.abort()
        self._timer = loop.call_later(_SWEEP_SECONDS, self._sweep, loop) if self._open else None


def _least_wanted(connections: Iterable[LimitedConnection], now: float) -> LimitedConnection | None:
    """Return the connection to close for a new one, or None if all of them are in use."""
    waiting: dict[Phase, list[tuple[float, LimitedConnection]]] = {}
    for connection in connections:
        phase, since = connection.look(now)
        order = connection.taken / max(now - since, _LEAST_SECONDS) if phase == "body" else since
        waiting.setdefault(phase, []).append((order, connection))
    for phase in ("header", "closing", "rest", "idle", "body"):
        if phase in waiting:
            return min(waiting[phase], key=lambda each: each[0])[1]
    return None


def origin_of(address: str) -> str:
    """Return what connections are counted by: the IPv4 address, or the /64 network of the IPv6 address."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if known.version == 4:
        return str(known)
    return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))
