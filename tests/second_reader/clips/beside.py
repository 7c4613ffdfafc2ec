"""Sidecars of clips (10.7): the packets of a sealed track in a file of their own."""

from __future__ import annotations

from ..container.fields import Fields, require
from ..outcomes import Newer


def packets_beside(data: bytes) -> list[bytes]:
    """The packets of a sidecar, in its order."""
    fields = Fields(data)
    require(fields.take(4) == b"PFSV", "another kind of file")
    if fields.number(1) != 1:
        raise Newer
    packets = []
    while fields.at < len(data):
        packets.append(fields.take(fields.number(4)))
    return packets
