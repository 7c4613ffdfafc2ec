"""Keys as text: Bech32, face keys, age recipients and identities, and the files that hold them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proface_s.cli.hints import command_line_hint
from proface_s.errors import ImageError, UsageError, WrongKeyError
from proface_s.keys.access import Credentials, Lock
from proface_s.keys.bech32 import BECH32, BECH32M, decode_bech32, encode_bech32
from proface_s.keys.face_key_text import PortableFaceKey, decode_face_key, encode_face_key
from proface_s.keys.keyfiles import (
    encode_identity_file,
    read_face_keys,
    read_identities,
    read_recipients,
    write_identity,
)
from proface_s.keys.passphrase_sources import passphrase_from_file
from proface_s.keys.recipients import Identity, Recipient, decode_identity, decode_recipient, encode_identity
from proface_s.keys.secrets import FaceKey

COUNTING = bytes.fromhex("00443214c74254b635cf84653a56d7c675be77df")  # the 5-bit numbers 0 to 31
KEY = PortableFaceKey(258, b"the tag.", FaceKey(bytes(range(32))))
TEXT = "pfk1qyqsyargv5s8gct89cqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29shrqv35xcur50p7kzap5s"

# made by another implementation (rage, through pyrage): private key, public key
AGE = (
    "AGE-SECRET-KEY-1XMWWC06LY3EE5RYTXM9MFLAZ2U56JJJ36S0MYPDRWSVLUL66MV4QX3S7F6",
    "age1w3tyke4gev25vaxxsvcgqu4484rf6ejpmavs57p6yz6lhy2sfs5swrvwyn",
)


@pytest.mark.parametrize(
    ("variant", "text", "prefix", "data"),
    [
        (BECH32, "a12uel5l", "a", b""),
        (BECH32, "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef", COUNTING),
        (BECH32M, "a1lqfn3a", "a", b""),
        (BECH32M, "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx", "abcdef",
         bytes.fromhex("ffbbcdeb38bdab49ca307b9ac5a928398a418820")),
    ],
)  # fmt: skip
def test_vectors_of_bip_173_and_350(variant: int, text: str, prefix: str, data: bytes) -> None:
    assert encode_bech32(prefix, data, variant) == text
    assert decode_bech32(text, prefix, variant) == data
    assert decode_bech32(text.upper(), prefix, variant) == data
    with pytest.raises(ValueError, match="checksum"):
        decode_bech32(text, prefix, BECH32 + BECH32M - variant)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "begin with"), ("abc1", "cut short"), ("abc", "begin with"), ("xyz1lqfn3a", "begin with"),
        ("abc1l\u00e9fn3ab", "does not belong"), ("abc1bbbbbbb", "does not belong"), ("Abc1lqfn3aq", "mixes"),
        ("abc1" + "q" * 90, "too long"),
    ],
)  # fmt: skip
def test_what_is_no_bech32(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        decode_bech32(text, "abc")


def test_bits_that_fill_no_byte_must_be_zero_and_fewer_than_five() -> None:
    from proface_s.keys.bech32 import _ALPHABET, _expanded, _polymod

    for values in ([0], [0, 1], [0, 0, 0]):
        check = _polymod([*_expanded("abc"), *values, *[0] * 6]) ^ BECH32M
        every = [*values, *(check >> 5 * (5 - i) & 31 for i in range(6))]
        with pytest.raises(ValueError, match="length"):
            decode_bech32("abc1" + "".join(_ALPHABET[value] for value in every), "abc")
    with pytest.raises(ValueError, match="too many"):
        encode_bech32("abc", bytes(60))


def test_a_face_key_as_text() -> None:
    assert encode_face_key(KEY) == TEXT
    assert decode_face_key(TEXT) == KEY
    assert decode_face_key(f"  {TEXT[:30]}\n  {TEXT[30:60]} {TEXT[60:]}\r\n".upper()) == KEY
    assert KEY.belongs_to(258, b"the tag. and the rest of the digest")
    assert not KEY.belongs_to(257, b"the tag. and the rest of the digest")
    assert not KEY.belongs_to(258, b"the tag, and the rest of the digest")
    assert "FaceKey" in repr(KEY)
    assert KEY.key.reveal().hex() not in repr(KEY)
    assert TEXT not in repr(Credentials.of("secret words", (), [TEXT]))
    assert "secret words" not in repr(Credentials.of("secret words")) + repr(Lock.of("secret words"))


def test_every_wrong_character_of_a_face_key_is_noticed() -> None:
    for at in range(len(TEXT)):
        for character in "q", "p", "z", "1", "b":
            if TEXT[at] != character:
                with pytest.raises(UsageError) as caught:
                    decode_face_key(TEXT[:at] + character + TEXT[at + 1 :])
                assert TEXT[10:20] not in caught.value.message + str(command_line_hint(caught.value))
    for at in range(4, len(TEXT) - 1):  # neighbours swapped, a character lost
        if TEXT[at] != TEXT[at + 1]:
            with pytest.raises(UsageError):
                decode_face_key(TEXT[:at] + TEXT[at + 1] + TEXT[at] + TEXT[at + 2 :])
        with pytest.raises(UsageError):
            decode_face_key(TEXT[:at] + TEXT[at + 1 :])


def test_face_keys_of_another_kind_of_text() -> None:
    later = encode_bech32("pfk", b"\x02" + bytes(42))
    short = encode_bech32("pfk", b"\x01" + bytes(41))
    for text, problem in (later, "later version"), (short, "length"), (AGE[0], "begin with"), ("", "begin with"):
        with pytest.raises(UsageError, match=problem):
            decode_face_key(text)


def test_identities_and_recipients_are_those_of_age() -> None:
    identity = decode_identity(AGE[0])
    assert str(identity.recipient) == AGE[1]
    assert encode_identity(identity) == AGE[0]
    assert decode_recipient(AGE[1]) == identity.recipient
    assert decode_recipient(f" {AGE[1].upper()}\n") == identity.recipient
    assert repr(identity) == "<Identity>"
    assert encode_identity(Identity.generate()) != encode_identity(Identity.generate())


def test_both_sides_agree_on_a_key_and_nobody_else_does() -> None:
    identity, other = Identity.generate(), Identity.generate()
    ephemeral, kek = identity.recipient.agree()
    assert identity.agree_with(ephemeral) == kek
    assert other.agree_with(ephemeral) != kek
    assert identity.recipient.agree() != (ephemeral, kek)
    with pytest.raises(WrongKeyError):
        identity.agree_with(bytes(32))


@pytest.mark.parametrize(
    "text", ["", "age1", AGE[1][:-1], AGE[1][:-1] + "q", AGE[1].replace("age1", "bge1"), TEXT, "ssh-ed25519 AAAA"]
)
def test_what_is_no_recipient(text: str) -> None:
    with pytest.raises(UsageError, match="line 3 is not usable") as caught:
        decode_recipient(text, "line 3")
    assert len(text) < 9 or text not in caught.value.message


def test_recipients_that_agree_with_everybody_are_refused() -> None:
    for point in 0, 1, 2**255 - 19:  # of low order: whatever the private key, the agreed secret is zero
        with pytest.raises(UsageError, match="not a usable public key"):
            Recipient(point.to_bytes(32, "little"))
    with pytest.raises(UsageError, match="line 1 is not a usable public key"):
        decode_recipient(encode_bech32("age", bytes(32), BECH32), "line 1")
    with pytest.raises(UsageError, match="31"):
        Recipient(bytes(31))


P = 2**255 - 19
LOW_ORDER = (
    0, 1, P - 1, 325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)  # fmt: skip


@pytest.mark.parametrize("point", LOW_ORDER)
def test_s12_points_of_low_order_are_refused(point: int) -> None:
    with pytest.raises(UsageError, match="not a usable public key"):
        Recipient(point.to_bytes(32, "little"))


@pytest.mark.parametrize("number", [P, P + 1, P + 9, 2**255 - 1, 2**255, 2**255 + 9, 2**256 - 1])
def test_s12_numbers_beyond_the_field_are_refused(number: int) -> None:
    """Case S12: X25519 would reduce such a key, and no identity would ever open the stanza."""
    public = number.to_bytes(32, "little")
    with pytest.raises(UsageError, match="not a usable public key"):
        Recipient(public)
    with pytest.raises(UsageError, match="line 7 is not a usable public key"):
        decode_recipient(encode_bech32("age", public, BECH32), "line 7")
    with pytest.raises(UsageError, match="not a usable public key"):
        Lock.of(None, [encode_bech32("age", public, BECH32)])


def test_s12_every_public_key_of_an_identity_is_accepted() -> None:
    for _ in range(50):
        assert Identity.generate().recipient.public[31] < 128


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ ann@host", "an SSH key"),
        ("ssh-rsa AAAAB3Nza", "an SSH key"),
        ("ecdsa-sha2-nistp256 AAAA", "an SSH key"),
        ("sk-ssh-ed25519@openssh.com AAAA", "an SSH key"),
        ("age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt", "an age plugin"),
        ("age1fido2-hmac1qqpxe7x0", "an age plugin"),
        ("age1pq1" + "q" * 2000, "post-quantum"),
        (TEXT, "a single face"),
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----", "PGP"),
    ],
)
def test_s12_keys_of_other_kinds_are_called_what_they_are(tmp_path: Path, text: str, kind: str) -> None:
    for decode, name in (decode_recipient, "line 3"), (decode_identity, "line 3"):
        with pytest.raises(UsageError, match=f"line 3 is not usable: it is .*{kind}") as caught:
            decode(text, name)
        assert text[8:] not in caught.value.message + str(command_line_hint(caught.value))
        assert "age1..." in str(command_line_hint(caught.value))
    (tmp_path / "friends").write_text(f"# friends\n{text}\n")
    with pytest.raises(UsageError, match=f"line 2 of recipients file .*{kind}"):
        read_recipients(tmp_path / "friends")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n", "an SSH private key"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "an SSH private key"),
        ("#       Serial: 1234, Slot: 1\nAGE-PLUGIN-YUBIKEY-1QQPQ5VFM2XN\n", "an age plugin"),
        ("AGE-SECRET-KEY-PQ-1QQQQ\n", "post-quantum"),
        (AGE[1], "a public key"),
        (TEXT, "a single face"),
    ],
)
def test_s12_identity_files_of_other_programs(tmp_path: Path, text: str, kind: str) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(UsageError, match=kind) as caught:
        read_identities(tmp_path / "key")
    assert "b3BlbnNz" not in caught.value.message
    assert "AGE-SECRET-KEY-1" in str(command_line_hint(caught.value))


@pytest.mark.parametrize("text", [AGE[1].upper()[:30] + AGE[1][30:], AGE[1][:40] + "1" + AGE[1][41:], AGE[1][:-3]])
def test_s12_typing_errors_are_not_taken_for_other_keys(text: str) -> None:
    with pytest.raises(UsageError, match=r"it mixes|does not belong|checksum"):
        decode_recipient(text)


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700, 0o640, 0o644, 0o604, 0o620, 0o602, 0o660, 0o666])
def test_s12_every_file_of_secrets_is_for_its_owner_alone(tmp_path: Path, mode: int) -> None:
    """Case S12: passphrase files were warned about only if everybody could read them, face key files never."""
    files = {name: tmp_path / name for name in ("passphrase", "identity", "faces", "friends")}
    files["passphrase"].write_text("secret words\n")
    files["identity"].write_text(AGE[0] + "\n")
    files["faces"].write_text(TEXT + "\n")
    files["friends"].write_text(AGE[1] + "\n")
    for path in files.values():
        path.chmod(mode)
    faces: list[str] = []
    friends: list[str] = []
    read_face_keys(files["faces"], faces.append)
    read_recipients(files["friends"], friends.append)
    passphrase, identity = passphrase_from_file(files["passphrase"]), read_identities(files["identity"])
    for notes in (passphrase.warnings, identity.warnings, faces):
        assert len(notes) == (mode & 0o066 != 0)
        assert all("chmod 600" in note and "by other users" in note for note in notes)
    assert len(friends) == (mode & 0o022 != 0)
    assert all("can be changed by other users" in note for note in friends)


def test_a_private_key_in_the_place_of_a_public_one_is_not_repeated() -> None:
    with pytest.raises(UsageError, match="line 1 is a private key") as caught:
        decode_recipient(AGE[0], "line 1")
    assert AGE[0][20:] not in caught.value.message + str(command_line_hint(caught.value))
    with pytest.raises(UsageError, match="the identity is not usable"):
        decode_identity(AGE[1])


def test_an_identity_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    identity = Identity.generate()
    path = tmp_path / "ann.key"
    previous = os.umask(0)
    try:
        write_identity(path, identity)
    finally:
        os.umask(previous)
    assert path.stat().st_mode & 0o777 == 0o600
    loaded = read_identities(path)
    assert loaded.identities == (identity,)
    assert loaded.warnings == ()
    assert f"# public key: {identity.recipient}\n" in path.read_text()
    with pytest.raises(ImageError, match="exists"):
        write_identity(path, Identity.generate())
    assert read_identities(path).identities == (identity,)
    path.chmod(0o640)
    assert "chmod 600" in read_identities(path).warnings[0]


def test_a_full_disk_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ImageError, match="No space"):
        write_identity(tmp_path / "ann.key", Identity.generate())
    with pytest.raises(ImageError, match="cannot be written"):
        write_identity(tmp_path / "missing" / "ann.key", Identity.generate())
    assert list(tmp_path.iterdir()) == []


def test_files_of_several_keys(tmp_path: Path) -> None:
    ann, bob = Identity.generate(), Identity.generate()
    (tmp_path / "both").write_text(encode_identity_file(ann) + "\n" + encode_identity_file(bob))
    assert read_identities(tmp_path / "both").identities == (ann, bob)
    (tmp_path / "public").write_text(f"\ufeff# friends\r\n{ann.recipient}\r\n\r\n  {bob.recipient}")
    assert read_recipients(tmp_path / "public") == (ann.recipient, bob.recipient)
    (tmp_path / "faces").write_text(f"# face 258\n{TEXT}\n")
    assert read_face_keys(tmp_path / "faces") == (KEY,)


@pytest.mark.parametrize("read", [read_identities, read_recipients, read_face_keys])
@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "No such file"), (b"", "holds no key"), (b"# only a comment\n", "holds no key"),
        (b"\xff\xfe\0", "not a text file"), (b"x" * 2**21, "more than"), (b"x\n" * 5000, "5000 lines"),
        (b"# one\nsecret nonsense\n", "line 2 of .*file"),
    ],
)  # fmt: skip
def test_unusable_files(tmp_path: Path, read: object, data: bytes | None, problem: str) -> None:
    if data is not None:
        (tmp_path / "keys").write_bytes(data)
    with pytest.raises(UsageError, match=problem) as caught:
        read(tmp_path / "keys")  # type: ignore[operator]
    assert "nonsense" not in caught.value.message


def test_encrypted_identity_files_say_so(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n")
    with pytest.raises(UsageError, match="encrypted"):
        read_identities(tmp_path / "key")
