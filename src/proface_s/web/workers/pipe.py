"""Messages over the two pipes between the service and a worker process: a length, then so many bytes."""

from __future__ import annotations

import json
import struct
from typing import IO, Any, Final

MOST_BYTES: Final = 1 << 31  # of one message
_LENGTH: Final = struct.Struct(">Q")


class ClosedError(Exception):
    """The other end is gone."""


class Pipe:
    """Both directions.

    Args:
        incoming: read from, buffered.
        outgoing: written to, buffered.
    """

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming, self._outgoing = incoming, outgoing

    def send(self, data: bytes) -> None:
        """Send one message.

        Raises:
            ClosedError: nobody reads.
        """
        try:
            self._outgoing.write(_LENGTH.pack(len(data)))
            self._outgoing.write(data)
            self._outgoing.flush()
        except (OSError, ValueError):
            raise ClosedError from None

    def receive(self) -> bytes:
        """Wait for one message.

        Raises:
            ClosedError: there will be none, or it is longer than any that is sent.
        """
        try:
            head = self._incoming.read(_LENGTH.size)
            length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else MOST_BYTES + 1
            data = self._incoming.read(length) if length <= MOST_BYTES else b""
        except (OSError, ValueError):
            raise ClosedError from None
        if len(data) != length:
            raise ClosedError
        return data

    def tell(self, event: dict[str, Any]) -> None:
        """Send a message as JSON."""
        self.send(json.dumps(event).encode())

    def hear(self) -> dict[str, Any]:
        """Receive a message of `tell`."""
        event: dict[str, Any] = json.loads(self.receive())
        return event

    def close(self) -> None:
        """Close both ends."""
        for end in (self._outgoing, self._incoming):
            try:
                end.close()
            except (OSError, ValueError):
                continue
