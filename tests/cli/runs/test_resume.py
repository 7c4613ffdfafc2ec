"""``--resume`` skips outputs made with the current options, and no others (case S2)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_kit import BOX, PASSPHRASE, CommandResult, Proface, drawn, save
from keys_kit import secret
from PIL import Image, PngImagePlugin

from proface_s.cli.commands.protect import command as protect_command
from proface_s.covers import get_style

IN_OUT = ("protect", "in", "-o", "out")
BY_HAND = ("--faces", "none", "--box", BOX)
OTHER_BOX = ("--faces", "none", "--box", "10,10,48,64")
TARGET = Path("out/a.protected.png")

OTHER_OPTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    # what changes: options of the first run, options of the resumed one, what it says
    "style": (BY_HAND, (*BY_HAND, "--style", "pixelate"), "another style"),
    "style, strength": ((*BY_HAND, "--style", "blur:1"), (*BY_HAND, "--style", "blur:2"), "another style"),
    "style, sticker": ((*BY_HAND, "--style", "mask:cat"), (*BY_HAND, "--style", "mask:robot"), "another cover"),
    "style, colour": ((*BY_HAND, "--style", "solid"), (*BY_HAND, "--style", "solid:#20407f"), "another cover"),
    "boxes": (BY_HAND, OTHER_BOX, "other faces"),
    "quality": ((*BY_HAND, "--format", "jpeg"), (*BY_HAND, "--format", "jpeg", "--quality", "80"), "another photo"),
    "boxes, one more": (BY_HAND, (*BY_HAND, "--box", "110,20,32,32"), "other faces"),
    "boxes, one less": ((*BY_HAND, "--box", "110,20,32,32"), BY_HAND, "other faces"),
    "boxes, none": (BY_HAND, ("--faces", "none", "--allow-no-face"), "other faces"),
    "model": (BY_HAND, (*BY_HAND, "--model", "secure-2"), "another model"),
    "model, back": ((*BY_HAND, "--model", "secure-2"), BY_HAND, "another model"),
    "no_seal": (BY_HAND, (*BY_HAND, "--no-seal"), "with seals"),
    "no_seal, again": ((*BY_HAND, "--no-seal"), BY_HAND, "without seals"),
    "keep_metadata": (BY_HAND, (*BY_HAND, "--keep-metadata"), "without metadata"),
    "keep_metadata, no more": ((*BY_HAND, "--keep-metadata"), BY_HAND, "with metadata"),
    "allow_no_face": (("--faces", "none", "--allow-no-face"), ("--faces", "none"), "not a protected file"),
    "allow_no_face, now protected": (("--faces", "none", "--allow-no-face"), BY_HAND, "not a protected file"),
    "passphrase_file, one less": (
        (*BY_HAND, "--passphrase-file", "mine", "--passphrase-file", "bobs"),
        (*BY_HAND, "--passphrase-file", "mine"), "another number of passphrases",
    ),
    "passphrase_file, one more": (
        (*BY_HAND, "--passphrase-file", "mine"),
        (*BY_HAND, "--passphrase-file", "mine", "--passphrase-file", "bobs"), "another number of passphrases",
    ),
    "passphrase_file": (
        (*BY_HAND, "--passphrase-file", "mine"), (*BY_HAND, "--passphrase-file", "bobs"), "passphrase does not open",
    ),
    "passphrase_file, one of two": (
        (*BY_HAND, "--passphrase-file", "mine", "--passphrase-file", "bobs"),
        (*BY_HAND, "--passphrase-file", "mine", "--passphrase-file", "third"), "passphrase does not open",
    ),
    "recipient": ((*BY_HAND, "-R", "alice.pub"), (*BY_HAND, "-R", "bob.pub"), "for which recipients"),
    "recipient, with identity": (
        (*BY_HAND, "-R", "alice.pub"), (*BY_HAND, "-R", "bob.pub", "-i", "bob.key"), "other recipients",
    ),
    "recipient, one more": (
        (*BY_HAND, "-R", "alice.pub"), (*BY_HAND, "-R", "alice.pub", "-R", "bob.pub", "-i", "alice.key"),
        "another number of recipients",
    ),
    "recipient, one less": (
        (*BY_HAND, "-R", "alice.pub", "-R", "bob.pub"), (*BY_HAND, "-R", "alice.pub", "-i", "alice.key"),
        "another number of recipients",
    ),
    "recipient, one of two known": (
        (*BY_HAND, "-R", "alice.pub", "-R", "bob.pub"),
        (*BY_HAND, "-R", "alice.pub", "-R", "carol.pub", "-i", "alice.key"), "for which recipients",
    ),
    "recipient, beside a passphrase": (
        (*BY_HAND, "-R", "alice.pub", "--passphrase-file", "mine"),
        (*BY_HAND, "-R", "bob.pub", "--passphrase-file", "mine"), "for which recipients",
    ),
    "recipients_file, instead of a passphrase": (
        (*BY_HAND, "--passphrase-file", "mine"), (*BY_HAND, "-R", "alice.pub", "-i", "alice.key"),
        "another number of recipients",
    ),
    "wrong_key": ((*BY_HAND, "--no-seal"), (*BY_HAND, "--wrong-key", "cover"), "wrong key gives"),
    "wrong_key, another passphrase": (
        (*BY_HAND, "--wrong-key", "cover", "--passphrase-file", "mine", "--style", "blur:0.5"),
        (*BY_HAND, "--wrong-key", "cover", "--passphrase-file", "bobs", "--style", "blur:0.5"),
        "passphrase does not open",
    ),
    "sidecar": (BY_HAND, (*BY_HAND, "--sidecar"), "without a sidecar"),
    "sidecar, no more": ((*BY_HAND, "--sidecar"), BY_HAND, "with a sidecar"),
    "sidecar_only": ((*BY_HAND, "--sidecar"), (*BY_HAND, "--sidecar-only"), "with a sidecar"),
    "no_record": (BY_HAND, (*BY_HAND, "--no-record"), "with records"),
    "no_record, again": ((*BY_HAND, "--no-record"), BY_HAND, "without records"),
}  # fmt: skip

CANNOT_CHANGE = {
    "inputs",
    "publish",
    "output",  # which photo, and which file it goes to
    "robust",
    "share_region",
    "share_size",
    "share_format",
    "share_only",  # of a second file, which is compared too: tests/cli/runs/test_share.py
    "share_inside",  # compared, of a photo that is large enough for a share copy: tests/cli/runs/test_share.py
    "strict",  # another way to name a style, which is compared
    "people",
    "same",
    "every",
    "start",
    "stop",
    "exact",
    "mute",
    "codec",  # of clips, refused for photos
    "passphrase_fd",
    "recipient",
    "recipients_file",  # other ways to name keys that are compared
    "file_format",  # part of the output's name; a file that holds another format than its name is tested below
    "faces",
    "face",  # tested below, with detected faces and with faces that have their own keys
    "detector",
    "threshold",
    "margin",
    "thorough",  # their regions are compared; tested in test_detect_options
    "recursive",
    "jobs",
    "threads",
    "as_json",
    "quiet",
    "verbose",
    "debug",  # how the work is done and reported
    "resume",
    "identities",
    "overwrite",  # whether existing outputs are replaced
    "engine",
    "manifest",
    "scheduler",  # runs with a manifest, see tests/scale
}


@pytest.fixture
def photo(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``in/a.png``, with an author; three passphrases in files, three key pairs."""
    from proface_s.cli.main import main

    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Ansel")
    save("in/a.png", pnginfo=info)
    for name, text in (("mine", PASSPHRASE), ("bobs", "bobs own passphrase"), ("third", "a third passphrase")):
        secret(name, text)
    for name in ("alice", "bob", "carol"):
        assert main(["keygen", "-o", f"{name}.key"]) == 0
        Path(f"{name}.pub").write_text(re.findall(r"age1\w+", Path(f"{name}.key").read_text())[0] + "\n")


@pytest.fixture
def run(proface: Proface, photo: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CommandResult]:
    """Run a command; the environment has a passphrase only if the arguments name none."""

    def call(*options: str) -> CommandResult:
        if {"--passphrase-file", "-R"} & set(options):
            monkeypatch.delenv("PROFACE_PASSPHRASE", raising=False)
        else:
            monkeypatch.setenv("PROFACE_PASSPHRASE", PASSPHRASE)
        return proface(*IN_OUT, *options)

    return call


def state() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}


def test_s2_every_option_of_protect_is_compared_or_cannot_change_the_output() -> None:
    compared = {name.partition(",")[0] for name in OTHER_OPTIONS}
    names = {parameter.name for parameter in protect_command.params}
    assert names - compared - CANNOT_CHANGE == set(), "a new option: compare it in api/resume/comparison.py"
    assert (compared | CANNOT_CHANGE) - names == set()


@pytest.mark.parametrize("change", OTHER_OPTIONS)
def test_s2_an_output_made_with_other_options_is_not_finished(run: Callable[..., CommandResult], change: str) -> None:
    first, second, reason = OTHER_OPTIONS[change]
    assert run(*first).code == 0
    assert run(*first, "--resume").code == (1 if "-R" in first else 0), "with the same options it is finished"
    before = state()
    result = run(*second, "--resume", "--json")
    assert result.code == 1
    assert [(r["status"], r["exit_code"]) for r in result.records] == [("error", 1)]
    assert reason in result.records[0]["reason"]
    assert reason in result.err
    assert "--overwrite" in result.records[0]["hint"]
    assert state() == before
    if change != "allow_no_face":
        assert run(*second, "--resume", "--overwrite").code == 0
        assert state() != before


@pytest.mark.parametrize(
    "options",
    [
        (*BY_HAND,), (*BY_HAND, "--no-seal", "--style", "mask:cat"), (*BY_HAND, "--wrong-key", "cover"),
        (*BY_HAND, "--keep-metadata", "--format", "tiff"), (*BY_HAND, "--keep-metadata", "--format", "webp"),
        (*BY_HAND, "--sidecar"), (*BY_HAND, "--sidecar-only"), (*BY_HAND, "--no-record"),
        (*BY_HAND, "--passphrase-file", "mine", "--passphrase-file", "bobs"),
        (*BY_HAND, "-R", "alice.pub", "-i", "alice.key"),
        (*BY_HAND, "-R", "alice.pub", "-R", "bob.pub", "-i", "alice.key", "-i", "bob.key"),
        (*BY_HAND, "-R", "alice.pub", "--passphrase-file", "mine", "-i", "alice.key"),
        (*BY_HAND, "--box", "110,20,32,32", "--passphrase-file", "mine", "--face", "2", "--passphrase-file", "bobs"),
        ("--faces", "none", "--allow-no-face"), ("--faces", "none", "--allow-no-face", "--keep-metadata"),
        (*BY_HAND, "--style", "median:7.1"),
    ],
)  # fmt: skip
def test_s2_an_output_made_with_the_same_options_is_finished(
    run: Callable[..., CommandResult], options: tuple[str, ...]
) -> None:
    assert run(*options, "--resume").code == 0
    before = state()
    result = run(*options, "--resume", "--json")
    assert result.code == 0, result.err
    assert [r["status"] for r in result.records] == ["skipped"]
    assert state() == before


def test_s2_the_same_in_other_words_is_finished(run: Callable[..., CommandResult]) -> None:
    assert run(*BY_HAND, "--style", "blur").code == 0
    strength = f"blur:{get_style('blur').default_strength:g}"
    assert "is done already" in run(*BY_HAND, "--style", strength, "--resume").err
    assert "is done already" in run(*BY_HAND, "--passphrase-file", "mine", "--resume").err
    assert "is done already" in run(*BY_HAND, "--jobs", "2", "--threads", "1", "--resume", "-v").err


def test_s2_the_order_of_passphrases_means_nothing(run: Callable[..., CommandResult]) -> None:
    named = ("mine", "bobs", "third")
    assert run(*BY_HAND, *(part for name in named for part in ("--passphrase-file", name))).code == 0
    turned = (part for name in reversed(named) for part in ("--passphrase-file", name))
    assert "is done already" in run(*BY_HAND, *turned, "--resume").err


def test_s2_a_face_of_its_own_keys(run: Callable[..., CommandResult]) -> None:
    two = (*BY_HAND, "--box", "110,20,32,32", "--passphrase-file", "mine")
    assert run(*two, "--face", "2", "--passphrase-file", "bobs").code == 0
    for other in ((), ("--face", "1", "--passphrase-file", "bobs"), ("--face", "2", "--passphrase-file", "third")):
        result = run(*two, *other, "--resume")
        assert result.code == 1, other
        assert "other options" in result.err or "passphrase does not open" in result.err


def test_s2_recipients_that_cannot_be_shown(run: Callable[..., CommandResult]) -> None:
    """Nothing in a file tells for whom it is: without identities it is not skipped, and not replaced unasked."""
    assert run(*BY_HAND, "-R", "alice.pub").code == 0
    before = state()
    result = run(*BY_HAND, "-R", "alice.pub", "--resume")
    assert result.code == 1
    assert "cannot be checked" in result.err
    assert "-i" in result.err
    assert state() == before
    assert "is done already" in run(*BY_HAND, "-R", "alice.pub", "--resume", "-i", "alice.key").err
    assert run(*BY_HAND, "-R", "alice.pub", "--resume", "--overwrite").code == 0
    assert state() != before
    assert run(*BY_HAND, "-R", "alice.pub", "-i", "alice.key").code == 2, "an identity only checks what is there"


def test_s2_detected_faces(proface: Proface, astronaut: np.ndarray) -> None:
    """The case itself: faces that are selected now but were left in the clear before."""
    save("in/two.png", np.hstack([astronaut, astronaut[:, ::-1]]))
    options = ("-o", "out", "--faces")
    assert proface("protect", "in", *options, "1").code == 0
    result = proface("protect", "in", *options, "all", "--resume")
    assert result.code == 1
    assert "other faces" in result.err
    assert proface("protect", "in", *options, "1", "--resume").err.count("is done already") == 1
    assert proface("protect", "in", *options, "all", "--resume", "--overwrite", "--jobs", "2").code == 0
    assert proface("protect", "in", *options, "all", "--resume", "--jobs", "2").err.count("is done already") == 1
    assert proface("protect", "in", *options, "1,2", "--resume").code == 0
    assert proface("protect", "in", *options, "none", "--resume").code == 1


def test_s2_several_processes_say_the_same(run: Callable[..., CommandResult]) -> None:
    save("in/b.png", drawn(seed=4))
    assert run(*BY_HAND).code == 0
    save("in/c.png", drawn(seed=5))
    result = run(*OTHER_BOX, "--resume", "--jobs", "2", "--json")
    assert result.code == 1
    assert sorted((r["input"], r["status"]) for r in result.records) == [
        ("in/a.png", "error"), ("in/b.png", "error"), ("in/c.png", "protected"),
    ]  # fmt: skip
    assert result.err.endswith("1 file done, 2 left as found, made with other options (--overwrite replaces them)\n")


@pytest.mark.parametrize("damage", ["record", "sidecar", "format", "forgotten", "rewrapped"])
def test_s2_what_was_changed_since_is_not_finished(
    run: Callable[..., CommandResult], proface: Proface, damage: str
) -> None:
    options = (*BY_HAND, "--passphrase-file", "mine", *(["--sidecar"] if damage == "sidecar" else []))
    assert run(*options).code == 0
    if damage == "record":
        from proface_s.container.carriers.carrier import read_chunks, write_chunks

        data = TARGET.read_bytes()
        pixels = np.array(Image.open(TARGET))
        pixels[20:30, 40:104] ^= 1
        Image.fromarray(pixels).save(TARGET)
        TARGET.write_bytes(write_chunks(TARGET.read_bytes(), read_chunks(data)))
    elif damage == "sidecar":
        beside = TARGET.with_suffix(".pfs")
        data = beside.read_bytes()
        beside.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif damage == "format":
        assert run(*options, "--format", "webp").code == 0
        shutil.copy("out/a.protected.webp", TARGET)
    elif damage == "forgotten":
        assert proface("forget", str(TARGET), "--face", "1", "--in-place", "--yes").code == 0
    else:
        rewrap = ("rewrap", str(TARGET), "--in-place", "--passphrase-file", "mine", "--new-passphrase-file", "bobs")
        assert proface(*rewrap).code == 0
    before = state()
    result = run(*options, "--resume")
    assert result.code == 1
    assert "is not the finished output" in result.err
    assert state() == before


def test_s2_a_sidecar_of_another_picture_says_nothing(run: Callable[..., CommandResult]) -> None:
    assert run(*BY_HAND, "--sidecar").code == 0
    result = run(*BY_HAND, "--resume", "--overwrite")
    assert result.code == 0
    assert "out/a.protected.pfs" in result.err, "what is left over is named"
    assert "is done already" in run(*BY_HAND, "--resume").err


def test_s2_recovering_compares_the_whole_file(run: Callable[..., CommandResult], proface: Proface) -> None:
    assert run(*BY_HAND, "--keep-metadata", "--box", "110,20,32,32").code == 0
    back = Path("back/a.recovered.png")
    assert proface("recover", "out", "-o", "back").code == 0
    assert "is done already" in proface("recover", "out", "-o", "back", "--resume").err
    whole = back.read_bytes()
    assert proface("recover", "out", "-o", "back", "--face", "1", "--resume").code == 1
    Image.open(back).save(back)  # the author is lost
    result = proface("recover", "out", "-o", "back", "--resume")
    assert result.code == 1
    assert "is not what" in result.err
    back.write_bytes(whole)
    Image.open(back).save("x.webp", lossless=True)
    shutil.copy("x.webp", back)
    assert proface("recover", "out", "-o", "back", "--resume").code == 1
    assert proface("recover", "out", "-o", "back", "--resume", "--overwrite").code == 0
    assert back.read_bytes() == whole
