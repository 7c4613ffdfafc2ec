"""Messages between the service and a worker process: a length, then that many bytes, over two pipes."""

from __future__ import annotations

import json
import struct
from typing import IO, Any, Final

MOST_BYTES: Final = 1 << 31  # of one message
_LENGTH: Final = struct.Struct(">Q")


class PipeClosedError(Exception):
    """The other end of the pipe has closed."""


class MessagePipe:
    """A pipe for messages in both directions.

    Args:
        incoming: buffered file to read from.
        outgoing: buffered file to write to.
    """

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming, self._outgoing = incoming, outgoing

    def send(self, data: bytes) -> None:
        """Send one message.

        Raises:
            ClosedError: if the other end has closed.
        """
        try:
            self._outgoing.write(_LENGTH.pack(len(data)))
            self._outgoing.write(data)
            self._outgoing.flush()
        except (OSError, ValueError):
            raise PipeClosedError from None

    def receive(self) -> bytes:
        """Wait for one message.

        Raises:
            ClosedError: if the other end has closed, or the message is longer than permitted.
        """
        try:
            head = self._incoming.read(_LENGTH.size)
            length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else MOST_BYTES + 1
            data = self._incoming.read(length) if length <= MOST_BYTES else b""
        except (OSError, ValueError):
            raise PipeClosedError from None
        if len(data) != length:
            raise PipeClosedError
        return data

    def tell(self, event: dict[str, Any]) -> None:
        """Send a message as JSON."""
        self.send(json.dumps(event).encode())

    def hear(self) -> dict[str, Any]:
        """Receive a JSON message, the inverse of `tell`."""
        event: dict[str, Any] = json.loads(self.receive())
        return event

    def close(self) -> None:
        """Close both ends."""
        for end in (self._outgoing, self._incoming):
            try:
                end.close()
            except (OSError, ValueError):
                continue
