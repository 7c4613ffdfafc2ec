"""Keys as text: decoding is the inverse of encoding, and other texts raise nothing but `UsageError`."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proface_s.errors import UsageError
from proface_s.keys.bech32 import BECH32, BECH32M, decode_bech32, encode_bech32
from proface_s.keys.face_key_text import PortableFaceKey, decode_face_key, encode_face_key
from proface_s.keys.recipients import Identity, decode_identity, decode_recipient, encode_identity
from proface_s.keys.secrets import FaceKey

CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def exactly(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


face_keys = st.builds(PortableFaceKey, st.integers(0, 65535), exactly(8), exactly(32).map(FaceKey))
prefixes = st.from_regex(r"[a-z][a-z-]{0,9}", fullmatch=True)


@settings(deadline=None)
@given(prefixes, st.binary(max_size=40), st.sampled_from([BECH32, BECH32M]))
def test_bech32(prefix: str, data: bytes, variant: int) -> None:
    assert decode_bech32(encode_bech32(prefix, data, variant), prefix, variant) == data


@settings(deadline=None)
@given(face_keys)
def test_face_keys(face_key: PortableFaceKey) -> None:
    assert decode_face_key(encode_face_key(face_key)) == face_key


@settings(max_examples=30, deadline=None)
@given(exactly(32).map(Identity))
def test_identities(identity: Identity) -> None:
    assert decode_identity(encode_identity(identity)) == identity
    assert decode_recipient(str(identity.recipient)) == identity.recipient


@settings(max_examples=150, deadline=None)
@given(face_keys, st.dictionaries(st.integers(4, 78), st.sampled_from(CHARACTERS), min_size=1, max_size=4))
def test_up_to_four_wrong_characters_are_noticed(face_key: PortableFaceKey, changes: dict[int, str]) -> None:
    """The code was chosen because it guarantees this."""
    text = encode_face_key(face_key)
    wrong = "".join(changes.get(at, character) for at, character in enumerate(text))
    if wrong == text:
        assert decode_face_key(wrong) == face_key
    else:
        with pytest.raises(UsageError, match="typing error"):
            decode_face_key(wrong)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=100), st.text(CHARACTERS + "1", max_size=90)))
def test_other_texts(text: str) -> None:
    for decode in decode_face_key, decode_identity, decode_recipient:
        for prefix in "", "pfk1", "age1", "AGE-SECRET-KEY-1":
            with contextlib.suppress(UsageError):
                decode(prefix + text)
