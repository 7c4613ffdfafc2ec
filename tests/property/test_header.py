"""Header bytes: encode and decode are inverses, and hostile bytes raise nothing but `FileFormatError`."""

from __future__ import annotations

import contextlib
import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from proface_s.container.header.header import Extension, FaceEntry, Group, Header
from proface_s.container.header.header_bytes import decode_header, encode_header
from proface_s.container.header.stanzas import BareStanza, OtherStanza, PassphraseStanza, RecipientStanza
from proface_s.errors import FileFormatError
from proface_s.keys.derive import KdfParams
from proface_s.types import Box

COLUMN = 64


def exactly(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


params = st.builds(KdfParams, st.integers(1, 16), st.integers(1024, 65536), st.integers(1, 16))
stanzas = st.one_of(
    st.builds(PassphraseStanza, exactly(16), params, exactly(60)),
    st.builds(RecipientStanza, exactly(32), exactly(60)),
    st.builds(OtherStanza, st.integers(0, 255).filter(lambda kind: kind not in (1, 3)), st.binary(max_size=40)),
)
bare_groups = st.lists(
    st.builds(Group, st.builds(BareStanza, exactly(16), params).map(lambda stanza: (stanza,)), st.just(bytes(32))),
    min_size=1,
    max_size=4,
)
groups = st.lists(
    st.builds(Group, st.lists(stanzas, min_size=1, max_size=3).map(tuple), exactly(32)),
    min_size=1,
    max_size=4,
)
names = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=32)
strengths = st.one_of(
    st.none(),
    st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**100), max_value=2.0**100),
)


@st.composite
def headers(draw: st.DrawFn) -> Header:
    """Draw valid headers: every face has its own column, so that boxes are disjoint."""
    wrong_key = draw(st.sampled_from(["noise", "cover"]))
    drawn_groups = draw(groups if wrong_key == "noise" else bare_groups)
    faces = []
    for column in range(draw(st.integers(1, 5))):
        x, y = column * COLUMN + draw(st.integers(0, 31)), draw(st.integers(0, 100))
        box = Box(x, y, 2 * draw(st.integers(1, 16)), 2 * draw(st.integers(1, 50)))
        slot = draw(st.one_of(exactly(60), exactly(32)))
        group = draw(st.integers(0, len(drawn_groups) - 1))
        sealed = wrong_key == "noise" and draw(st.booleans())
        erased = len(slot) == 32 and draw(st.booleans())
        faces.append(FaceEntry(box, group, draw(names), draw(strengths), draw(exactly(32)), slot, sealed, erased))
    tags = sorted(draw(st.sets(st.integers(5, 0x7FFF), max_size=3)))
    extensions = tuple(Extension(tag, False, draw(st.binary(max_size=30))) for tag in tags)
    width = draw(st.integers(5 * COLUMN, 2**31 - 1))
    height = draw(st.integers(200, 2**31 - 1))
    return Header(width, height, draw(exactly(16)), tuple(drawn_groups), tuple(faces), extensions, wrong_key)


@settings(max_examples=60, deadline=None)
@given(headers())
def test_decode_is_the_inverse_of_encode(header: Header) -> None:
    assert decode_header(encode_header(header)) == header


@settings(max_examples=150, deadline=None)
@given(headers(), st.data())
def test_mutations_raise_nothing_but_format_errors(header: Header, data: st.DataObject) -> None:
    """Recompute the checksum, so that the mutation reaches the parser behind it."""
    body = bytearray(encode_header(header)[:-8])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        kind = data.draw(st.sampled_from(["set", "insert", "delete"]))
        if kind == "set":
            body[at] = data.draw(st.integers(0, 255))
        elif kind == "insert":
            body[at:at] = data.draw(st.binary(max_size=8))
        elif len(body) > 8:
            del body[at : at + 4]
    mutated = bytes(body) + hashlib.sha256(body).digest()[:8]
    with contextlib.suppress(FileFormatError):
        assert encode_header(decode_header(mutated)) == mutated, "every header has one encoding"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_noise_raises_nothing_but_format_errors(noise: bytes) -> None:
    for data in (noise, b"PFS1" + noise, b"PFS1\x01" + noise):
        with contextlib.suppress(FileFormatError):
            decode_header(data)
