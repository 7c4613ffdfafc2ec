"""Case S3 (and D12): alpha inside a face's box shows the face, so that it is covered, sealed and bound like colours."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import data

from paths_kit import GOLDEN_FILES
from proface_s.api import Credentials, Lock, Session, forget, inspect, rewrap, verify
from proface_s.api.options import ProtectOptions
from proface_s.api.resume.comparison import unfinished
from proface_s.cli.hints import command_line_hint
from proface_s.container.carriers.carrier import from_chunks, read_chunks, write_chunks
from proface_s.container.carriers.png import HEADER_CHUNK
from proface_s.container.header import header_bytes
from proface_s.container.header.header import RESERVED_TAG
from proface_s.container.header.header_bytes import decode_header
from proface_s.errors import DamagedFileError, FileFormatError, ProFaceError
from proface_s.faces import EngineDetector
from proface_s.image.read import read_picture
from proface_s.image.transparency import composite
from proface_s.types import UInt8Image

PASSPHRASE = "correct horse battery staple"
FACE = data.astronaut()[0:256, 96:352]
GREY = np.asarray(Image.fromarray(FACE).convert("L"))
X, Y, SIDE = 16, 8, 224
INSIDE = np.s_[Y : Y + SIDE, X : X + SIDE]
BY_HAND: dict[str, Any] = {"boxes": [f"{X},{Y},{SIDE},{SIDE}"], "faces": "none"}
OLD = GOLDEN_FILES / "protected_v1_alpha_in_clear.png"


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def rgba(colour: int | UInt8Image, alpha: int | UInt8Image) -> UInt8Image:
    pixels = np.zeros((256, 256, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = colour, alpha
    return pixels


def tiff(pixels: UInt8Image, extra: str) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, photometric="rgb", extrasamples=[extra], metadata=None)
    return buffer.getvalue()


def palette(alphas: bytes | int) -> bytes:
    """The face drawn with palette entries that all have the same colour, and differ in alpha alone."""
    image = Image.frombytes("P", (256, 256), (GREY // 16).tobytes())
    image.putpalette([10, 10, 10] * 16 if isinstance(alphas, bytes) else list(range(48)))
    return encode(image, transparency=alphas)


def one_colour(grey: bool) -> bytes:
    """The dark half of the face in black, which is declared transparent; the rest in the next grey level."""
    level = (GREY > 110).astype(np.uint8)
    image = Image.fromarray(level if grey else np.dstack([level] * 3))
    return encode(image, transparency=0 if grey else (0, 0, 0))


def pictures() -> dict[str, bytes]:
    """Files whose colours are flat and whose alpha is the face."""
    negative = 255 - GREY
    two = np.dstack([np.zeros_like(GREY), negative])
    return {
        "RGBA PNG": encode(Image.fromarray(rgba(0, negative))),
        "white on black": encode(Image.fromarray(rgba(255, GREY))),
        "LA PNG": encode(Image.fromarray(two)),
        "palette": palette(bytes(range(0, 256, 16))),
        "one transparent colour": one_colour(grey=False),
        "one transparent grey": one_colour(grey=True),
        "WebP": encode(Image.fromarray(rgba(40, negative)), "WEBP", lossless=True, exact=True),
        "lossy WebP": encode(Image.fromarray(rgba(40, negative)), "WEBP", quality=90),
        "TIFF": tiff(rgba(0, negative), "unassalpha"),
        "TIFF, associated": tiff(rgba(0, negative), "assocalpha"),
        "grey TIFF": encode(Image.fromarray(two), "TIFF"),
    }


def shown(file: bytes, background: int) -> UInt8Image:
    """What a viewer shows."""
    image = Image.open(io.BytesIO(file)).convert("RGBA")
    under = Image.new("RGBA", image.size, (background,) * 3)
    return np.asarray(Image.alpha_composite(under, image).convert("L"))


def likeness(pixels: UInt8Image) -> float:
    """Correlation with the face, of either sign; 0 for a flat area."""
    area = pixels[INSIDE].astype(float).ravel()
    return 0.0 if area.std() < 1e-9 else abs(float(np.corrcoef(area, GREY[INSIDE].astype(float).ravel())[0, 1]))


@pytest.mark.parametrize("kind", pictures())
def test_alpha_does_not_show_the_face(session: Session, kind: str) -> None:
    original = pictures()[kind]
    assert max(likeness(shown(original, level)) for level in (0, 255)) > 0.6, "the input shows it"
    done = session.protect(original, PASSPHRASE, style="solid", **BY_HAND)
    for level in (0, 128, 255):
        assert likeness(shown(done.data, level)) < 0.05
        assert not EngineDetector(threads=1).detect(np.dstack([shown(done.data, level)] * 3))
    assert any("opaque" in warning for warning in done.warnings)


@pytest.mark.parametrize("file_format", ["png", "webp", "tiff"])
@pytest.mark.parametrize("kind", pictures())
def test_the_seal_brings_alpha_back_bit_for_bit(session: Session, kind: str, file_format: Any) -> None:
    before = read_picture(pictures()[kind])
    done = session.protect(pictures()[kind], PASSPHRASE, file_format=file_format, **BY_HAND)
    back = session.recover(done.data, PASSPHRASE)
    assert [face.outcome for face in back.faces] == ["exact"]
    after = read_picture(back.data)
    assert before.alpha is not None
    assert after.alpha is not None
    np.testing.assert_array_equal(after.alpha, before.alpha)
    np.testing.assert_array_equal(after.rgb, before.rgb)
    assert not verify(done.data, Credentials.of(PASSPHRASE)).problems


@pytest.mark.parametrize("alpha", [0, 1, 128, 254, 255])
def test_constant_alpha_stays(session: Session, alpha: int) -> None:
    original = encode(Image.fromarray(rgba(FACE, alpha)))
    done = session.protect(original, PASSPHRASE, **BY_HAND)
    assert (np.asarray(Image.open(io.BytesIO(done.data)))[..., 3] == alpha).all()
    assert any("cwebp" in warning for warning in done.warnings) == (alpha < 255), "Case D12"
    back = session.recover(done.data, PASSPHRASE)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(back.data))), rgba(FACE, alpha))


def test_each_box_is_judged_by_itself(session: Session) -> None:
    """The first box is opaque, the second half transparent, the third varies."""
    alpha = np.full((256, 256), 255, np.uint8)
    alpha[:, 80:176], alpha[:, 176:] = 128, GREY[:, 176:]
    original = encode(Image.fromarray(rgba(FACE, alpha)))
    boxes = ["8,40,64,64", "96,40,64,64", "184,40,64,64"]
    done = session.protect(original, PASSPHRASE, boxes=boxes, faces="none")
    published = np.asarray(Image.open(io.BytesIO(done.data)))[..., 3]
    expected = alpha.copy()
    expected[40:104, 184:248] = 255
    np.testing.assert_array_equal(published, expected)
    one = session.recover(done.data, PASSPHRASE, faces=[3])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(one.data)))[..., 3], alpha)


@pytest.mark.parametrize("options", [{"seal": False}, {"wrong_key": "cover"}])
def test_without_a_seal_it_stays_opaque_and_both_sides_are_told(session: Session, options: dict[str, Any]) -> None:
    done = session.protect(pictures()["RGBA PNG"], PASSPHRASE, **options, **BY_HAND)
    assert any("no seal" in warning for warning in done.warnings)
    back = session.recover(done.data, PASSPHRASE)
    assert (np.asarray(Image.open(io.BytesIO(back.data)))[..., 3][INSIDE] == 255).all()
    assert any("opaque" in warning for warning in back.warnings)


def test_sidecars_hold_it_too(session: Session, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(pictures()["RGBA PNG"])
    session.protect(tmp_path / "a.png", PASSPHRASE, sidecar="instead", **BY_HAND)
    back = session.recover(tmp_path / "a.protected.png", PASSPHRASE)
    assert Path(back.path or "").name == "a.recovered.png"
    np.testing.assert_array_equal(read_picture(back.data).alpha, 255 - GREY)


def test_colours_under_transparency_survive_a_program_that_drops_invisible_ones(session: Session) -> None:
    """Case D12: `cwebp -lossless` sets colours under alpha 0 to black."""
    y, x = np.mgrid[0:256, 0:256]
    disc = np.where((x - 128) ** 2 + (y - 100) ** 2 < 80**2, 255, 0).astype(np.uint8)
    done = session.protect(encode(Image.fromarray(rgba(FACE, disc))), PASSPHRASE, **BY_HAND)
    rewritten = encode(Image.open(io.BytesIO(done.data)), "WEBP", lossless=True, exact=False)
    assert (read_picture(rewritten).rgb[0] == 0).all(), "it does drop them"
    back = session.recover(rewritten, PASSPHRASE)
    assert [face.outcome for face in back.faces] == ["estimate"]
    assert np.abs(back.recovered[INSIDE].astype(int) - FACE[INSIDE]).mean() < 8


@pytest.mark.parametrize("alpha", [None, 255, 128, GREY], ids=["none", "opaque", "constant", "varied"])
def test_published_alpha_is_bound(session: Session, alpha: Any) -> None:
    """Case S3: whoever changes the alpha of a protected region is noticed, whatever it was before."""
    original = FACE if alpha is None else rgba(FACE, alpha)
    done = session.protect(encode(Image.fromarray(original)), PASSPHRASE, **BY_HAND)
    pixels = np.array(Image.open(io.BytesIO(done.data)).convert("RGBA"))
    assert not verify(write_chunks(encode(Image.fromarray(pixels)), read_chunks(done.data))).problems
    for changed in (0, GREY[INSIDE]):
        pixels[INSIDE][..., 3] = changed
        forged = write_chunks(encode(Image.fromarray(pixels)), read_chunks(done.data))
        assert [face.pixels for face in verify(forged).faces] == ["changed"]
        with pytest.raises(DamagedFileError, match="changed"):
            session.recover(forged, PASSPHRASE)


def test_the_seal_is_bound_to_what_the_header_says_of_alpha(session: Session) -> None:
    done = session.protect(pictures()["RGBA PNG"], PASSPHRASE, **BY_HAND)
    header, seals = from_chunks(read_chunks(done.data))
    assert header.footprint(0).varied
    plain = session.protect(encode(Image.fromarray(rgba(FACE, 255))), PASSPHRASE, **BY_HAND)
    mixed = read_chunks(plain.data) | {"pfSl": read_chunks(done.data)["pfSl"]}
    with pytest.raises(ProFaceError):
        session.recover(write_chunks(plain.data, mixed), PASSPHRASE)
    assert seals


def test_an_opaque_alpha_channel_may_be_dropped(session: Session) -> None:
    """Optimisers store an opaque picture without alpha; the face's own alpha still comes back."""
    alpha = np.full((256, 256), 255, np.uint8)
    alpha[INSIDE] = GREY[INSIDE]
    done = session.protect(encode(Image.fromarray(rgba(FACE, alpha))), PASSPHRASE, **BY_HAND)
    smaller = write_chunks(encode(Image.open(io.BytesIO(done.data)).convert("RGB")), read_chunks(done.data))
    back = session.recover(smaller, PASSPHRASE)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(back.data))), rgba(FACE, alpha))


def test_rewrap_and_forget_keep_the_rest(session: Session) -> None:
    original = pictures()["RGBA PNG"]
    done = session.protect(original, PASSPHRASE, **BY_HAND)
    again = rewrap(done.data, Credentials.of(PASSPHRASE), Lock.of("another long passphrase"))
    back = session.recover(again.data, "another long passphrase")
    np.testing.assert_array_equal(read_picture(back.data).alpha, 255 - GREY)
    gone = forget(done.data, [1], erase=True)
    for level in (0, 255):
        assert likeness(shown(gone.data, level)) < 0.05
    assert not verify(gone.data).problems


def test_resume_knows_a_finished_file(session: Session, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(pictures()["RGBA PNG"])
    session.protect(tmp_path / "a.png", PASSPHRASE, style="solid", **BY_HAND)
    options = ProtectOptions.of(PASSPHRASE, style="solid", boxes=BY_HAND["boxes"], faces="none")
    assert unfinished(tmp_path / "a.png", tmp_path / "a.protected.png", session, options) is None


def test_resume_does_again_what_version_0_1_0_left_in_clear(session: Session, tmp_path: Path) -> None:
    back = session.recover(OLD.read_bytes(), PASSPHRASE, output=tmp_path / "a.png")
    options = ProtectOptions.of(PASSPHRASE, style="solid", boxes="8,6,48,52", faces="none")
    assert "earlier version" in (unfinished(back.path or "", OLD, session, options) or "")


@pytest.mark.parametrize("kind", ["RGBA PNG", "white on black", "LA PNG", "palette"])
def test_faces_drawn_with_alpha_are_found(session: Session, kind: str) -> None:
    picture = read_picture(pictures()[kind])
    assert not EngineDetector(threads=1).detect(picture.rgb), "colours alone show nothing"
    assert len(session.detect(pictures()[kind]).faces) == 1
    done = session.protect(pictures()[kind], PASSPHRASE)
    assert len(done.faces) == 1


def test_faces_under_full_transparency_are_found_once(session: Session) -> None:
    """Nobody sees them, but they are in the file."""
    alpha = np.full((256, 256), 255, np.uint8)
    assert len(session.detect(encode(Image.fromarray(rgba(FACE, alpha * 0)))).faces) == 1
    alpha[:40] = 0
    assert len(session.detect(encode(Image.fromarray(rgba(FACE, alpha)))).faces) == 1


def test_composites_are_those_of_viewers() -> None:
    rng = np.random.default_rng(4)
    rgb, alpha = rng.integers(0, 256, (130, 20, 3), np.uint8), rng.integers(0, 256, (130, 20), np.uint8)
    for level in (0, 128, 255):
        weight = alpha[..., None] / 255
        exact = rgb * weight + level * (1 - weight)
        assert np.abs(composite(rgb, alpha, level) - exact).max() <= 0.51


def test_files_of_before_still_open_and_are_called_what_they_are(session: Session) -> None:
    """Made by version 0.1.0, which published alpha as it was."""
    back = session.recover(OLD.read_bytes(), PASSPHRASE)
    assert [face.outcome for face in back.faces] == ["exact"]
    assert any("nothing vouches for the transparency" in warning for warning in back.warnings)
    found = verify(OLD.read_bytes(), Credentials.of(PASSPHRASE))
    assert any("may show the face" in problem for problem in found.problems)
    assert inspect(OLD.read_bytes()).version == 1


def test_readers_of_before_refuse_what_they_would_get_wrong(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that knows extension 1 alone opens opaque pictures as ever, and asks for an upgrade for others."""
    headers = {
        alpha: read_chunks(session.protect(encode(Image.fromarray(pixels)), PASSPHRASE, **BY_HAND).data)[HEADER_CHUNK]
        for alpha, pixels in (("none", FACE), ("opaque", rgba(FACE, 255)), ("varied", rgba(FACE, GREY)))
    }
    monkeypatch.setattr(header_bytes, "_KNOWN_EXTENSIONS", frozenset((RESERVED_TAG,)))
    for name in ("none", "opaque"):
        assert decode_header(headers[name][0]).faces
    with pytest.raises(FileFormatError, match="extension 0") as caught:
        decode_header(headers["varied"][0])
    assert "newer version" in (command_line_hint(caught.value) or "")
