"""Load PyAV, which reads and writes video files, on demand: it comes with the extra ``video``."""

from __future__ import annotations

from typing import Any, Final

from ...errors import UsageError, missing_package

FORMATS: Final = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,mxf,ivf"
"""Demuxers that may read a clip.  Playlists are not among them: they name other files, and hosts on the network."""

OPEN_OPTIONS: Final = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}


def load_av() -> Any:
    """Import PyAV, with its messages off.

    Raises:
        UsageError: if it is not installed.
    """
    try:
        import av
        import av.logging
    except ModuleNotFoundError as error:
        raise UsageError(
            f"video files need {missing_package(error)}, which is not installed", code="missing-extra", extra="video"
        ) from None
    av.logging.set_level(None)
    return av


def packet_of(av: Any, data: bytes) -> Any:
    """Return a packet with a copy of some bytes, and behind them the zeros that FFmpeg's decoders may read.

    PyAV's ``Packet(data)`` lends FFmpeg the memory of the object alone.  Decoders read up to 64 bytes beyond the end
    (``AV_INPUT_BUFFER_PADDING_SIZE``), which ended the process if the memory ended there.

    Args:
        av: PyAV, as `load_av` returns it.
        data: of the packet.
    """
    packet = av.Packet(len(data))
    packet.update(data)
    return packet
