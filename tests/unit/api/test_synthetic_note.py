"""Files that show synthetic faces say so in XMP, and come back without the note or with it taken away."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import proface_s
from proface_s import Session
from proface_s.image.provenance import SYNTHETIC_PARTS, XMP, says_synthetic, with_synthetic_note

PASSPHRASE = "correct horse battery staple"
BOX = (154, 34, 138, 168)
OTHER = (380, 380, 60, 60)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(pytest.importorskip("skimage.data").astronaut())


def test_the_packet_is_xml_and_names_the_term_of_iptc() -> None:
    import xml.etree.ElementTree as tree

    inner = re.sub(rb"<\?xpacket[^>]*\?>", b"", XMP)
    (node,) = tree.fromstring(inner).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    assert node.attrib["{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"] == SYNTHETIC_PARTS


@pytest.mark.parametrize("kind", ["png", "webp", "tiff", "jpeg"])
def test_every_format_says_it_and_what_comes_back_does_not(photo: np.ndarray, tmp_path: Path, kind: str) -> None:
    source = tmp_path / ("photo.jpg" if kind == "jpeg" else "photo.png")
    Image.fromarray(photo).save(source, **({"quality": 92} if kind == "jpeg" else {}))
    session = Session(threads=1)
    done = session.protect(source, PASSPHRASE, style="swap", boxes=BOX, faces="none", file_format=kind)
    assert done.faces[0].synthetic
    assert says_synthetic(done.data)
    with Image.open(io.BytesIO(done.data)) as image:
        packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or image.tag_v2[700]
    assert SYNTHETIC_PARTS in (packet if isinstance(packet, str) else bytes(packet).decode())
    back = session.recover(done.data, PASSPHRASE)
    assert [face.outcome for face in back.faces] == ["exact"]
    assert not says_synthetic(back.data)


def test_other_covers_write_no_xmp(photo: np.ndarray) -> None:
    done = Session(threads=1).protect(photo, PASSPHRASE, style="blur", boxes=BOX, faces="none")
    assert b"xmp" not in done.data[:4096].lower()
    assert not done.faces[0].synthetic


def test_a_file_whose_metadata_were_stripped_opens_from_its_pixels(photo: np.ndarray) -> None:
    session = Session(threads=1)
    done = session.protect(photo, PASSPHRASE, style="swap", boxes=BOX, faces="none")
    stripped = io.BytesIO()
    Image.fromarray(np.asarray(Image.open(io.BytesIO(done.data)))).save(stripped, "PNG")
    assert not says_synthetic(stripped.getvalue())
    assert session.recover(stripped.getvalue(), PASSPHRASE).faces[0].outcome == "estimate"
    marked = with_synthetic_note(stripped.getvalue())
    assert session.recover(marked, PASSPHRASE).faces[0].outcome == "estimate"


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_file_of_which_a_face_stays_synthetic_says_it_still(photo: np.ndarray, kind: str) -> None:
    session = Session(threads=1)
    done = session.protect(photo, PASSPHRASE, style="swap", boxes=[BOX, OTHER], faces="none", file_format=kind)
    fallen = [face.number for face in done.faces if face.fallback]
    new = [face.number for face in done.faces if face.synthetic]
    assert len(fallen) == len(new) == 1
    assert says_synthetic(session.recover(done.data, PASSPHRASE, faces=fallen).data)
    assert not says_synthetic(session.recover(done.data, PASSPHRASE, faces=new).data)


@pytest.mark.parametrize("name", ["covers.jpg", "covers.png", "covers.webp"])
def test_covers_published_alone_and_converted_files_say_it(photo: np.ndarray, tmp_path: Path, name: str) -> None:
    done = Session(threads=1).protect(photo, PASSPHRASE, style="swap", boxes=BOX, faces="none")
    assert says_synthetic(done.save_cover(tmp_path / name).read_bytes())
    other = done.save(tmp_path / "other.tiff").read_bytes()
    assert says_synthetic(other)
    assert [face.synthetic for face in proface_s.inspect(other).faces] == [True]
