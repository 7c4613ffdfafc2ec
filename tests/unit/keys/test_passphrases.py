"""Passphrases: rules, generator and sources."""

from __future__ import annotations

import os
import stat

import pytest

from proface_s.errors import UsageError
from proface_s.keys.passphrase import (
    check_passphrase,
    generate_passphrase,
    normalise_passphrase,
    passphrase_bits,
    read_wordlist,
)
from proface_s.keys.passphrase_sources import passphrase_from_env, passphrase_from_fd, passphrase_from_file


@pytest.mark.parametrize("text", ["", "short", "7 chars"])
def test_short_passphrases_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_passphrase(text)
    assert str(len(text)) in caught.value.message
    assert not text or text not in caught.value.message


def test_warnings() -> None:
    assert check_passphrase("correct horse battery staple") == []
    assert "shorter than 15" in check_passphrase("tr0ub4dor&3")[0]
    assert "few different" in check_passphrase("aaaaaaaaaaaaaaaaaaaa")[0]
    assert "space" in check_passphrase(" correct horse battery staple")[0]


def test_composed_and_decomposed_letters_are_the_same_passphrase() -> None:
    assert normalise_passphrase("Pa\u0308sse") == normalise_passphrase("P\u00e4sse")
    with pytest.raises(UsageError):
        check_passphrase("e\u0301e\u0301e\u0301e\u0301")  # eight code points, four characters


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(UsageError, match="Unicode"):
        check_passphrase("undecodable \udcff byte")


def test_wordlist_is_the_eff_large_one() -> None:
    words = read_wordlist()
    assert len(words) == len(set(words)) == 7776
    assert words[0] == "abacus"
    assert words[-1] == "zoom"
    listed = set(words)
    for word in words:
        first, _, second = word.partition("-")
        assert not (first in listed and second in listed), "joining with hyphens must stay unambiguous"


def test_generated_passphrases() -> None:
    pieces = {piece for word in read_wordlist() for piece in word.split("-")}
    passphrases = {generate_passphrase() for _ in range(20)}
    assert len(passphrases) == 20
    for passphrase in passphrases:
        assert set(passphrase.split("-")) <= pieces
        assert check_passphrase(passphrase) == []
    assert passphrase_bits(6) > 77
    with pytest.raises(UsageError):
        generate_passphrase(3)


@pytest.mark.parametrize("content", [b"secret words", b"secret words\n", b"secret words\r\nsecond line\n"])
def test_first_line_of_a_file(tmp_path, content: bytes) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(content)
    path.chmod(0o600)
    loaded = passphrase_from_file(path)
    assert loaded.text == "secret words"
    assert loaded.warnings == ()
    assert "secret" not in repr(loaded)


def test_byte_order_mark_and_inner_spaces(tmp_path) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(b"\xef\xbb\xbf two  spaces \n")
    assert passphrase_from_file(path).text == " two  spaces "


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_readable_by_everybody_is_warned_about(tmp_path) -> None:
    path = tmp_path / "passphrase"
    path.write_text("secret words\n")
    path.chmod(stat.S_IRUSR | stat.S_IROTH)
    assert "chmod 600" in passphrase_from_file(path).warnings[0]


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "empty"), (b"\nsecond", "empty"), (b"\xff\xfe\n", "UTF-8"), (b"x" * 5000, "longer")],
)
def test_unusable_first_lines(tmp_path, content: bytes, problem: str) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=problem):
        passphrase_from_file(path)


def test_unreadable_files(tmp_path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        passphrase_from_file(tmp_path / "missing")
    with pytest.raises(UsageError, match="directory"):
        passphrase_from_file(tmp_path)


def test_descriptor_leaves_the_rest_of_the_stream() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"secret words\nthe rest")
    os.close(writing)
    try:
        assert passphrase_from_fd(reading).text == "secret words"
        assert os.read(reading, 100) == b"the rest"
    finally:
        os.close(reading)
    with pytest.raises(UsageError, match="descriptor"):
        passphrase_from_fd(reading)


def test_environment() -> None:
    assert passphrase_from_env({}) is None
    loaded = passphrase_from_env({"PROFACE_PASSPHRASE": "secret words"})
    assert loaded is not None
    assert loaded.text == "secret words"
    with pytest.raises(UsageError, match="PROFACE_PASSPHRASE"):
        passphrase_from_env({"PROFACE_PASSPHRASE": ""})
