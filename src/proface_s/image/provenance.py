"""The note that parts of a picture are synthetic, as XMP: IPTC's digital source type.

    Iptc4xmpExt:DigitalSourceType = http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia

The term stands for a photo with elements that a trained algorithm has made.  Sources: IPTC Photo Metadata Standard,
NewsCodes scheme Digital Source Type; XMP Specification Part 3 (Adobe) for its places in files.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

SYNTHETIC_PARTS: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
XMP: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{SYNTHETIC_PARTS}"/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
).encode()
"""The packet, the same in every file: it says nothing of who, where or when."""
TIFF_TAG: Final = 700

_SEARCHED: Final = 2**18  # bytes at either end of a file, where the packet is
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_HEAD: Final = 33  # bytes of signature and IHDR
_IDENTIFIER: Final = b"http://ns.adobe.com/xap/1.0/\0"
_APP0, _APP1 = b"\xff\xe0", b"\xff\xe1"


def with_synthetic_note(data: bytes) -> bytes:
    """Return a PNG or JPEG file with the packet: behind the header of a PNG, behind JFIF and EXIF of a JPEG."""
    if data.startswith(_PNG):
        content = b"iTXt" + b"XML:com.adobe.xmp" + bytes(5) + XMP
        chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
        return data[:_PNG_HEAD] + chunk + data[_PNG_HEAD:]
    at = 2
    while data[at : at + 2] == _APP0 or (data[at : at + 2] == _APP1 and data[at + 4 : at + 8] == b"Exif"):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[:at] + _APP1 + struct.pack(">H", 2 + len(_IDENTIFIER) + len(XMP)) + _IDENTIFIER + XMP + data[at:]


def says_synthetic(data: bytes) -> bool:
    """Return whether a file, as this program writes it, says that parts of it are synthetic."""
    return SYNTHETIC_PARTS.encode() in data[:_SEARCHED] or SYNTHETIC_PARTS.encode() in data[-_SEARCHED:]
