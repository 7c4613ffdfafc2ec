"""Connections: limits on their number, and on the time that each takes to send its request.

uvicorn waits for ever for the end of a header, for the rest of a body that nobody reads, and for a client that does not
read the rest of an answer.  A `Door` is its HTTP protocol with a time limit for each; a `Doorkeeper` watches them all.

::

    header ──► body ──► working ──► (idle ──► header ...)     closing: an answer's end is on its way
       10 s     forms.py   patience.py   10 s                     10 s
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
_LEAST_SECONDS: Final = 0.2  # an upload that has only begun is judged as if it had taken this long
_TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 21\r\n\r\ntoo many connections\n"
)
_TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 30\r\n\r\nthe request was not completed\n"
)


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """Limits of connections.

    Attributes:
        connections: at the same time; beyond that, one without a complete request is closed for a new one.
        per_address: of these, from one address; an IPv6 network of 64 bits counts as one.
        header_seconds: from the start of a connection, or of a further request, to the end of its header.
        rest_seconds: for a request's body after its answer, before the connection is closed.
        closing_seconds: for the client to read the rest of an answer once the connection is closing.
    """

    connections: int = 256
    per_address: int = 128
    header_seconds: float = 10.0
    rest_seconds: float = 5.0
    closing_seconds: float = 10.0


class Door(H11Protocol):
    """One connection; see `Doorkeeper.door`."""

    keeper: Doorkeeper

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a client if there is room."""
        super().connection_made(transport)
        self.origin = origin_of(self.client[0] if self.client else "")
        self.since, self.taken, self._state = self.loop.time(), 0, ("header", 0)
        self.requests, self._begun = 0, True
        if not self.keeper.admit(self):
            transport.write(_TOO_MANY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection."""
        self.keeper.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in data from the client; drop anything sent after a request and before its answer.

        Reading never stops during the work, because only then is it noticed that the client has left.
        """
        if self.transport.is_closing():
            return
        self.taken += len(data)
        if self._answering():
            self.cycle.keep_alive = False  # the client sends again what was dropped, on a connection of its own
            return
        before, self._begun = self.cycle, True
        super().data_received(data)
        if self.cycle is not before:
            self.requests += 1
        if self._answering() and self.conn.trailing_data[0]:
            self.cycle.keep_alive = False
            self.flow.resume_reading()

    def on_response_complete(self) -> None:
        """After an answer, wait for the next request to begin."""
        self._begun = False
        super().on_response_complete()

    def look(self, now: float) -> tuple[Phase, float]:
        """Return the current phase, and since when, in the event loop's time."""
        phase = self._phase()
        if self._state != (phase, self.requests):
            self._state, self.since, self.taken = (phase, self.requests), now, 0
        return phase, self.since

    def _answering(self) -> bool:
        """Return whether a whole request has arrived and its answer is not complete."""
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


class Doorkeeper:
    """All connections of one service; belongs to its event loop.

    Args:
        limits: of the connections.
    """

    def __init__(self, limits: DoorLimits) -> None:
        self.limits = limits
        self._doors: dict[Door, None] = {}  # in the order in which they came
        self._timer: asyncio.TimerHandle | None = None

    def door(self) -> type[Door]:
        """The protocol class for uvicorn."""
        return type("KeptDoor", (Door,), {"keeper": self})

    def admit(self, door: Door) -> bool:
        """Count a new connection.  If there are too many, close another one; return False if none can be closed."""
        now = door.loop.time()
        mine = [each for each in self._doors if each.origin == door.origin]
        crowd = mine if len(mine) >= self.limits.per_address else list(self._doors)
        full = len(mine) >= self.limits.per_address or len(self._doors) >= self.limits.connections
        victim = _least_wanted(crowd, now) if full else None
        if full and victim is None:
            return False
        if victim is not None:
            self.forget(victim)
            victim.transport.abort()
        self._doors[door] = None
        self._timer = self._timer or door.loop.call_later(_SWEEP_SECONDS, self._sweep, door.loop)
        return True

    def forget(self, door: Door) -> None:
        """Stop counting a connection."""
        self._doors.pop(door, None)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for door in list(self._doors):
            phase, since = door.look(now)
            if phase == "header" and now - since > self.limits.header_seconds:
                if door.taken or door.requests:  # browsers open connections ahead, and say nothing on them
                    door.transport.write(_TOO_SLOW)
                door.transport.close()
            elif phase == "rest" and now - since > self.limits.rest_seconds:
                door.transport.close()
            elif phase == "closing" and now - since > self.limits.closing_seconds:
                door.transport.abort()
        self._timer = loop.call_later(_SWEEP_SECONDS, self._sweep, loop) if self._doors else None


def _least_wanted(doors: Iterable[Door], now: float) -> Door | None:
    """Return the connection to close for a new one, or None if all of them are in use."""
    waiting: dict[Phase, list[tuple[float, Door]]] = {}
    for door in doors:
        phase, since = door.look(now)
        order = door.taken / max(now - since, _LEAST_SECONDS) if phase == "body" else since
        waiting.setdefault(phase, []).append((order, door))
    for phase in ("header", "closing", "rest", "idle", "body"):
        if phase in waiting:
            return min(waiting[phase], key=lambda each: each[0])[1]
    return None


def origin_of(address: str) -> str:
    """Return the key by which connections are counted: an address, or the /64 network of an IPv6 address."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if known.version == 4:
        return str(known)
    return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))
