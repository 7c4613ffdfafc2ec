"""Cases D3, D6, D7, D9 and D11: which picture of a file is taken, which way up, and what is said of the others."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import data

from proface_s.api import Credentials, Lock, Session, rewrap
from proface_s.cli.hints import command_line_hint
from proface_s.errors import ImageError
from proface_s.image.metadata import NOTE_FIELD
from proface_s.image.read import read_picture

PHOTO = np.ascontiguousarray(data.astronaut()[::2, ::2])
SMALL = np.ascontiguousarray(data.astronaut()[::8, ::8])


def encode(pixels: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(*pages: tuple[np.ndarray, dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for pixels, options in pages:
            writer.write(pixels, metadata=None, **options)
    return buffer.getvalue()


def refusal(file: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        read_picture(file, name="the file")
    assert command_line_hint(caught.value)
    return f"{caught.value.message} ({command_line_hint(caught.value)})"


def answer(file: bytes) -> str:
    """Whatever is said of a file: the refusal, or the note."""
    try:
        return read_picture(file).metadata.get(NOTE_FIELD, "")
    except ImageError as error:
        return f"{error.message} ({command_line_hint(error)})"


RGB: dict[str, Any] = {"photometric": "rgb"}
SEVERAL: dict[str, Any] = {"photometric": "minisblack", "planarconfig": "contig"}
CFA = np.zeros((512, 512), np.uint16)


class TestRaw:
    """Case D3: a preview is not the picture."""

    def test_a_thumbnail_in_front_of_a_photo_below(self) -> None:
        below = (CFA, {"photometric": "minisblack", "subfiletype": 0})
        file = tiff((SMALL, RGB | {"subfiletype": 1, "subifds": 1}), below)
        assert "camera raw" in refusal(file)

    def test_a_larger_picture_below_one_that_does_not_call_itself_reduced(self) -> None:
        below = (np.zeros((512, 512), np.uint8), {"photometric": "minisblack"})
        assert "camera raw" in refusal(tiff((SMALL, RGB | {"subifds": 1}), below))

    def test_a_thumbnail_in_front_of_another_page(self) -> None:
        assert "camera raw" in refusal(tiff((SMALL, RGB | {"subfiletype": 1}), (PHOTO, RGB)))

    def test_colour_filter_arrays_and_dng(self) -> None:
        assert "camera raw" in refusal(tiff((np.zeros((64, 64), np.uint8), {"photometric": "cfa"})))
        version = [(50706, "B", 4, (1, 4, 0, 0), True), (271, "s", 0, "NIKON", True)]
        assert "DNG" in refusal(tiff((SMALL, RGB | {"extratags": version})))

    @pytest.mark.parametrize(
        ("front", "name"),
        [
            (b"II*\0\x10\0\0\0CR\2\0", "CR2"), (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "CR3"),
            (b"FUJIFILMCCD-RAW 0201FF383501", "RAF"), (b"IIRO\x08\0\0\0", "ORF"), (b"IIRS\x08\0\0\0", "ORF"),
            (b"MMOR\0\0\0\x08", "ORF"), (b"IIU\0\x18\0\0\0", "RW2"), (b"FOVb\1\0\3\0", "X3F"), (b"\0MRM\0\1", "MRW"),
        ],
    )  # fmt: skip
    def test_raw_files_by_name(self, front: bytes, name: str) -> None:
        said = refusal(front + bytes(100))
        assert name in said
        assert "not supported" in said
        assert "export" in said

    @pytest.mark.parametrize(
        ("front", "name"),
        [
            (b"8BPS\0\1", "Photoshop"), (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
            (b"\xff\x4f\xff\x51\0\x2f", "JPEG 2000"), (b"\xff\x0a\xfa\x1f", "JPEG XL"),
            (b"%PDF-1.7\n", "PDF"), (b"<svg xmlns='http://www.w3.org/2000/svg'>", "SVG"),
            (b"<?xml version='1.0'?>\n<!-- made -->\n<svg width='1'>", "SVG"), (b"%!PS-Adobe-3.0", "PostScript"),
            (b"GIF89a", "GIF"), (b"gimp xcf v011\0", "GIMP"), (b"v/1\x01\2\0\0\0", "OpenEXR"),
            (b"P6\n2 2\n255\n", "PNM"), (b"\0\0\0\x20ftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
            (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "video"),
            (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video"), (b"RIFF\x10\0\0\0AVI LIST", "video"),
            (b"<!DOCTYPE html><html>", "web page"), (b"PK\3\4\x14\0", "archive"),
        ],
    )  # fmt: skip
    def test_other_formats_by_name(self, front: bytes, name: str) -> None:
        said = refusal(front + bytes(100))
        assert name in said
        assert "damaged" not in said


class TestRareKinds:
    """Case D6: what a decoder lacks is not the file's fault."""

    @pytest.mark.parametrize(
        ("pixels", "options"),
        [
            ((PHOTO / 255).astype(np.float32), RGB), ((PHOTO[..., 0] / 255).astype(np.float64), {}),
            (PHOTO.astype(np.int8), RGB), (PHOTO.astype(np.uint16), RGB), (PHOTO[..., 0].astype(np.uint32), {}),
            (PHOTO[..., 0].astype(np.int16), {}), (np.dstack([PHOTO, PHOTO[..., :2]]), SEVERAL),
            (PHOTO[..., :2].copy(), SEVERAL | {"extrasamples": ["unspecified"]}),
        ],
    )  # fmt: skip
    def test_samples_of_tiffs(self, pixels: np.ndarray, options: dict[str, Any]) -> None:
        said = answer(tiff((pixels, options)))
        assert ("not supported" in said and ("convert" in said or "save it as" in said)) or "left out" in said
        assert "damaged" not in said

    def test_lab_and_subsampled_tiffs(self) -> None:
        lab = Image.new("LAB", (16, 16))
        buffer = io.BytesIO()
        lab.save(buffer, "TIFF")
        assert "not supported" in refusal(buffer.getvalue())
        subsampled = bytearray(tiff((SMALL, RGB)))
        at = subsampled.index(struct.pack("<HHI", 262, 3, 1))
        subsampled[at + 8 : at + 10] = struct.pack("<H", 6)
        assert "subsampled YCbCr" in refusal(bytes(subsampled))

    @pytest.mark.parametrize("code", [34887, 34712, 50002, 34925, 4711])
    def test_compressions(self, code: int) -> None:
        file = bytearray(tiff((SMALL, RGB)))
        at = file.index(struct.pack("<HHI", 259, 3, 1))
        file[at + 8 : at + 10] = struct.pack("<H", code)
        said = refusal(bytes(file))
        assert "not supported" in said
        assert "damaged" not in said

    @pytest.mark.parametrize(
        ("marker", "bits", "name"),
        [
            (0xC1, 12, "12-bit"), (0xC3, 8, "lossless"), (0xC9, 8, "arithmetic"), (0xCA, 8, "arithmetic"),
            (0xC5, 8, "hierarchical"),
        ],
    )  # fmt: skip
    def test_jpegs(self, marker: int, bits: int, name: str) -> None:
        file = bytearray(encode(SMALL, "JPEG"))
        at = file.index(b"\xff\xc0")
        file[at + 1], file[at + 4] = marker, bits
        said = refusal(bytes(file))
        assert name in said
        assert "not supported" in said
        assert "damaged" not in said

    def test_bitmaps(self) -> None:
        file = bytearray(encode(SMALL, "BMP"))
        file[30:34] = struct.pack("<I", 4)  # a JPEG inside
        assert "not supported" in refusal(bytes(file))

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_sixteen_bits(self, kind: str) -> None:
        assert "16 bits" in refusal(encode(PHOTO[..., 0].astype(np.uint16) * 257, kind))


BY_HAND: dict[str, Any] = {"boxes": ["60,10,80,96"], "faces": "none"}
PASSPHRASE = "correct horse battery staple"


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


def jpeg(**options: Any) -> bytes:
    return encode(PHOTO, "JPEG", quality=90, **options)


def interlaced(pixels: np.ndarray) -> bytes:
    """An Adam7 PNG."""
    height, width = pixels.shape[:2]
    rows = b""
    passes = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
    for left, step, top, down in passes:
        rows += b"".join(b"\0" + row.tobytes() for row in pixels[top::down, left::step])
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


JPEGS = [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"subsampling": 0}, {"restart_marker_blocks": 3}]


class TestEnds:
    """Case D7: strict about pixels, and about nothing else."""

    @pytest.mark.parametrize("options", JPEGS)
    @pytest.mark.parametrize("grey", [False, True])
    def test_a_jpeg_without_its_end(self, options: dict[str, Any], grey: bool) -> None:
        whole = encode(PHOTO[..., 0].copy() if grey else PHOTO, "JPEG", quality=90, **options)
        expected = read_picture(whole).rgb
        for cut in (1, 2):
            picture = read_picture(whole[:-cut])
            np.testing.assert_array_equal(picture.rgb, expected)
            assert "no pixel" in picture.metadata[NOTE_FIELD]
        assert NOTE_FIELD not in read_picture(whole).metadata

    @pytest.mark.parametrize("options", JPEGS)
    def test_a_jpeg_that_lost_pixels(self, options: dict[str, Any]) -> None:
        whole = jpeg(**options)
        for cut in (6, 10, 20, 50, 200, 1000, len(whole) // 2, len(whole) - 700):
            with pytest.raises(ImageError, match="truncated or damaged"):
                read_picture(whole[:-cut])

    @pytest.mark.parametrize("options", [*JPEGS, {"quality": 100, "subsampling": 0}, {"quality": 30}])
    @pytest.mark.parametrize("grey", [False, True])
    def test_no_cut_gives_another_picture(self, options: dict[str, Any], grey: bool) -> None:
        """Whatever is taken is the whole picture, bit for bit; one of many cuts may fall between two codes."""
        whole = encode(SMALL[..., 0].copy() if grey else SMALL, "JPEG", **options)
        expected = read_picture(whole).rgb
        taken = []
        for cut in range(1, 160):
            with contextlib.suppress(ImageError):
                np.testing.assert_array_equal(read_picture(whole[:-cut]).rgb, expected)
                taken.append(cut)
        assert taken[:2] == [1, 2]

    def test_a_jpeg_cut_at_a_restart_marker(self) -> None:
        whole = jpeg(restart_marker_rows=1)
        last = max(whole.rfind(bytes([0xFF, 0xD0 + number])) for number in range(8))
        for end in (last, last + 2):
            with pytest.raises(ImageError, match="truncated or damaged"):
                read_picture(whole[:end])

    def test_a_progressive_jpeg_without_its_last_scan(self) -> None:
        whole = jpeg(progressive=True)
        with pytest.raises(ImageError, match="scans are missing"):
            read_picture(whole[: whole.rfind(b"\xff\xda")])

    @pytest.mark.parametrize("rest", [b"x" * 500, b"\xff\xd8\xff\xe0 a video, a thumbnail"])
    def test_bytes_behind_a_picture(self, rest: bytes) -> None:
        for kind, options in (("JPEG", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("BMP", {})):
            whole = encode(PHOTO, kind, **options)
            np.testing.assert_array_equal(read_picture(whole + rest).rgb, read_picture(whole).rgb)
        assert f"{len(rest)} bytes after" in read_picture(jpeg() + rest).metadata[NOTE_FIELD]
        assert NOTE_FIELD not in read_picture(jpeg() + bytes(300)).metadata, "padding is no news"

    @pytest.mark.parametrize("write", [encode, interlaced])
    def test_a_png_without_its_end(self, write: Any) -> None:
        pixels = PHOTO[:37, :53].copy()
        whole = write(pixels)
        np.testing.assert_array_equal(read_picture(whole).rgb, pixels)
        for cut in (1, 3, 5, 9, 12, 13, 16, 18, 20):  # then the checksums of pixels, of the chunk and of zlib
            picture = read_picture(whole[:-cut])
            np.testing.assert_array_equal(picture.rgb, pixels)
            assert "no pixel" in picture.metadata[NOTE_FIELD]

    @pytest.mark.parametrize("write", [encode, interlaced])
    def test_a_png_that_lost_pixels(self, write: Any) -> None:
        whole = write(PHOTO)
        for cut in (60, 100, 1000, len(whole) // 2, len(whole) - 60):
            with pytest.raises(ImageError, match="truncated or damaged"):
                read_picture(whole[:-cut])

    def test_checksums_of_a_png(self) -> None:
        text = struct.pack(">I", 7) + b"tEXtA\0hello" + b"oops"
        whole = encode(PHOTO)
        picture = read_picture(whole[:33] + text + whole[33:])
        np.testing.assert_array_equal(picture.rgb, PHOTO)
        assert "damaged chunk" in picture.metadata[NOTE_FIELD]
        broken = bytearray(whole)
        broken[-13] ^= 1  # of the pixels
        with pytest.raises(ImageError, match="damaged"):
            read_picture(bytes(broken))

    def test_the_size_that_a_webp_file_states(self) -> None:
        whole = bytearray(encode(PHOTO, "WEBP", lossless=True))
        whole[4:8] = struct.pack("<I", len(whole) + 100)
        np.testing.assert_array_equal(read_picture(bytes(whole)).rgb, PHOTO)
        with pytest.raises(ImageError):
            read_picture(bytes(whole[:-40]))


def xmp(orientation: int) -> bytes:
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/></rdf:RDF></x:xmpmeta>'
        % orientation
    )


class TestOrientation:
    """Case D9: as viewers show it."""

    TALL = np.ascontiguousarray(PHOTO[:, :100])

    def test_xmp_alone_turns_nothing(self) -> None:
        from PIL import PngImagePlugin

        files = [encode(self.TALL, "JPEG", xmp=xmp(6)), encode(self.TALL, "WEBP", lossless=True, xmp=xmp(6))]
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp(6).decode())
        files += [encode(self.TALL, pnginfo=info), encode(self.TALL, "TIFF", tiffinfo={700: xmp(6)})]
        for file in files:
            assert read_picture(file).size == (100, 256)
            assert read_picture(file[:-1] if file[:2] == b"\xff\xd8" else file).size == (100, 256)

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
    def test_exif_counts_where_both_are_there(self, kind: str) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        options: dict[str, Any] = {"exif": exif}
        if kind in ("JPEG", "WEBP"):
            options["xmp"] = xmp(3)
        picture = read_picture(encode(self.TALL, kind, **options))
        assert picture.size == (256, 100)

    def test_exif_says_upright_and_xmp_does_not(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 1
        assert read_picture(encode(self.TALL, "JPEG", exif=exif, xmp=xmp(6))).size == (100, 256)

    @pytest.mark.parametrize("value", [0, 9, 65535])
    def test_nonsense_turns_nothing(self, value: int) -> None:
        exif = Image.Exif()
        exif[0x0112] = value
        for kind in ("JPEG", "PNG", "WEBP"):
            assert read_picture(encode(self.TALL, kind, exif=exif)).size == (100, 256)


class TestMainPictures:
    """Case D11: containers with one main picture."""

    def heic(self, primary: int) -> bytes:
        heif = pytest.importorskip("pillow_heif")
        file = heif.from_pillow(Image.fromarray(PHOTO[::-1].copy()))
        file.add_from_pillow(Image.fromarray(PHOTO))
        buffer = io.BytesIO()
        file.save(buffer, quality=95, primary_index=primary)
        return buffer.getvalue()

    def test_the_primary_picture_of_two(self) -> None:
        for primary, expected in ((0, PHOTO[::-1]), (1, PHOTO)):
            picture = read_picture(self.heic(primary))
            assert np.abs(picture.rgb.astype(int) - expected).mean() < 6
            assert "main one of 2" in picture.metadata[NOTE_FIELD]

    def test_stereo_pairs_give_the_first_and_say_so(self) -> None:
        buffer = io.BytesIO()
        first, second = Image.fromarray(PHOTO), Image.fromarray(PHOTO[::-1].copy())
        first.save(buffer, "MPO", save_all=True, append_images=[second])
        file = buffer.getvalue()
        picture = read_picture(file)
        assert np.abs(picture.rgb.astype(int) - PHOTO).mean() < 12
        assert NOTE_FIELD not in picture.metadata, "an index of previews or gain maps is no news"
        stereo, at = bytearray(file), file.index(struct.pack("<I", 0x030000), file.index(b"0100"))
        for entry in (at, at + 16):
            stereo[entry : entry + 4] = struct.pack("<I", 0x020002)
        assert "first of 2 pictures" in read_picture(bytes(stereo)).metadata[NOTE_FIELD]

    def test_smaller_versions_of_a_tiff_do_not_count(self) -> None:
        reduced = RGB | {"subfiletype": 1}
        picture = read_picture(tiff((PHOTO, RGB), (PHOTO[::2, ::2].copy(), reduced), (PHOTO[::4, ::4].copy(), reduced)))
        np.testing.assert_array_equal(picture.rgb, PHOTO)
        with pytest.raises(ImageError, match="2 frames or pages"):
            read_picture(tiff((PHOTO, RGB), (PHOTO, RGB)))

    def test_pyramids_below_the_picture(self) -> None:
        picture = read_picture(tiff((PHOTO, RGB | {"subifds": 1}), (PHOTO[::2, ::2].copy(), RGB | {"subfiletype": 1})))
        np.testing.assert_array_equal(picture.rgb, PHOTO)

    def test_animations_are_refused(self) -> None:
        frames = [Image.fromarray(PHOTO), Image.fromarray(PHOTO[::-1].copy())]
        for kind, options in (("PNG", {}), ("WEBP", {"lossless": True})):
            buffer = io.BytesIO()
            frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], **options)
            assert "2 frames" in refusal(buffer.getvalue())


def test_a_png_of_many_text_keywords_keeps_the_known_ones() -> None:
    whole = encode(PHOTO)
    texts = b"".join(
        struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", zlib.crc32(b"tEXt" + body))
        for body in (b"Author\0somebody", b"Comment\0a secret", b"Copyright\0(c)")
    )
    assert read_picture(whole[:33] + texts + whole[33:]).metadata == {"Artist": "somebody", "Copyright": "(c)"}


class TestProtectedFiles:
    """Case D7: a protected file with the same damage still opens."""

    @pytest.mark.parametrize("cut", [1, 4, 8, 12])
    def test_a_png_without_its_end(self, session: Session, cut: int, tmp_path: Path) -> None:
        done = session.protect(PHOTO, PASSPHRASE, output=tmp_path / "a.png", **BY_HAND)
        for file in (done.data[:-cut], done.data + b"trailing bytes"):
            back = session.recover(file, PASSPHRASE)
            assert [face.outcome for face in back.faces] == ["exact"]
            assert any("end of the" in warning for warning in back.warnings) == (file == done.data[:-cut])
            np.testing.assert_array_equal(back.recovered, PHOTO)
        again = rewrap(done.data[:-cut], Credentials.of(PASSPHRASE), Lock.of("another long passphrase"))
        assert read_picture(again.data).size == (256, 256)
        assert session.recover(again.data, "another long passphrase").faces[0].outcome == "exact"

    def test_a_photo_without_its_end_is_protected_with_a_warning(self, session: Session) -> None:
        done = session.protect(jpeg()[:-2], PASSPHRASE, **BY_HAND)
        assert any("no pixel" in warning for warning in done.warnings)

    def test_bytes_behind_other_containers(self, session: Session) -> None:
        for file_format in ("webp", "tiff"):
            done = session.protect(PHOTO, PASSPHRASE, file_format=file_format, **BY_HAND)
            back = session.recover(done.data + b"trailing bytes", PASSPHRASE)
            assert [face.outcome for face in back.faces] == ["exact"]
