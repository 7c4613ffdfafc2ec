"""Fuzzing of everything that reads bytes from strangers: nothing but our own errors, no hang, no unbounded memory.

    python tests/fuzz/fuzz.py                       # 20,000 inputs for each of the targets
    python tests/fuzz/fuzz.py --inputs 500 --seed 3 --target sidecar

Every target starts from valid examples and mutates them: bits, bytes, pieces cut out, doubled, swapped or replaced by
extreme numbers; checksums that a target has are made right again half of the time, so that the mutation reaches what
lies behind them.  An input fails if anything but a `ProFaceError` comes out, if it takes longer than the limit, or if
it allocates more than the limit.  The seed of a failure is printed: the same seed makes the same inputs.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import signal
import sys
import tempfile
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import numpy as np
from PIL import Image

from proface_s.container.carriers.carrier import from_chunks, read_chunks, to_chunks, write_chunks
from proface_s.container.carriers.sidecar import decode_sidecar, encode_sidecar
from proface_s.container.header.header import Header, with_reserved_samples
from proface_s.container.header.header_bytes import decode_header, encode_header
from proface_s.container.header.key_ring import KeyRing
from proface_s.container.header.lock import FaceDescription, lock_header
from proface_s.container.records import pixel_records
from proface_s.container.records.partial_headers import headers_from_records
from proface_s.container.records.pixel_records import find_records, write_record
from proface_s.container.records.record_message import decode_record_message, face_record
from proface_s.errors import ProFaceError
from proface_s.image.jpeg.coefficient_code import decode_coefficients, encode_coefficients
from proface_s.image.read import read_picture
from proface_s.image.write import FORMATS, encode_picture
from proface_s.keys.access import Lock
from proface_s.keys.derive import KdfParams
from proface_s.keys.face_key_text import PortableFaceKey, decode_face_key, encode_face_key
from proface_s.keys.recipients import Identity, decode_identity, decode_recipient, encode_identity
from proface_s.types import Box, Picture
from proface_s.video.clip.track.reading import read_sealed_chunks, read_track_at

GOLDEN = Path(__file__).parents[1] / "golden"

SECONDS = 10  # of processor time for one input; the slowest honest ones take milliseconds
BYTES = 64 << 20  # allocated by one input, over what was there before
EXTREMES = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\1", b"\xff\xff", b"\xff", b"\0"]

Check = Callable[[bytes], object]
Repair = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Target:
    """A parser, valid examples for it, and a function that repairs the checksum of a mutation."""

    name: str
    check: Check
    examples: tuple[bytes, ...]
    repair: Repair | None = None
    share: float = 1.0  # share of the inputs: slow targets get fewer


def header_example(**options: object) -> Header:
    """Return a header with two groups, several kinds of stanzas and reserved samples."""
    boxes = [Box(0, 0, 64, 64), Box(100, 20, 48, 80), Box(200, 100, 40, 60)]
    cheap = KdfParams(1, 1024, 1)
    if options.get("cover"):
        ring = KeyRing.derive(bytes(16), boxes, None, ["a passphrase"], cheap)
        locks = [Lock(("a passphrase",))]
    else:
        ring = KeyRing.generate(bytes(16), boxes, [0, 1, 0])
        locks = [Lock(("one",), (Identity.generate().recipient,)), Lock(("two", "three"))]
    descriptions = [FaceDescription("blur", 2.0, bytes(32), not options.get("cover")) for _ in boxes]
    return lock_header(ring, (320, 200), descriptions, locks, cheap, reserved=[1824, 0, 1840])


def with_digest(data: bytes) -> bytes:
    """Replace the last eight bytes by the SHA-256 of the rest, as in headers and sidecars."""
    return data[:-8] + hashlib.sha256(data[:-8]).digest()[:8] if len(data) > 8 else data


def with_crcs(data: bytes) -> bytes:
    """Correct the CRCs of a PNG file as far as its chunks can be followed."""
    out, at = bytearray(data), 8
    while at + 12 <= len(out):
        end = at + 8 + int.from_bytes(out[at : at + 4], "big")
        if end + 4 > len(out):
            break
        out[end : end + 4] = zlib.crc32(out[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(out)


def check_header_bytes(data: bytes) -> None:
    """Check that every header has one encoding."""
    assert encode_header(decode_header(data)) == data


def check_record(data: bytes) -> None:
    """Check that every record has one encoding and makes a header."""
    message = decode_record_message(data)
    place = pixel_records.FoundRecord(message.box.x, message.box.y, message.box.w, data, 0)
    (partial,) = headers_from_records([place], (message.width, message.height))
    assert face_record(partial.header, message.index) == data


def check_pixels(data: bytes) -> None:
    """Search the bytes as samples of a picture 96 pixels wide."""
    rows = len(data) // 288
    picture = np.frombuffer(data[: rows * 288], np.uint8).reshape(rows, 96, 3)
    headers_from_records(find_records(picture), (96, rows))


def check_written(data: bytes) -> None:
    """Write the bytes as the record of a face: it is found, and decoded or ignored."""
    blank = np.zeros((96, 96, 3), np.uint8)
    if pixel_records.record_fits(96, 96, len(data)):
        found = find_records(write_record(blank, data))
        assert [each.record for each in found] == [data]
        headers_from_records(found, (96, 96))
    decode_record_message(data)


def check_sidecar(data: bytes) -> None:
    """Parse a sidecar and its content."""
    _, chunks = decode_sidecar(data)
    from_chunks(chunks)


def check_clip_sidecar(data: bytes) -> None:
    """Read the sidecar of a clip, and its chunks."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4.pfs")
        path.write_bytes(data)
        for _ in read_sealed_chunks(read_track_at(path, path)):
            pass


def check_file(data: bytes) -> None:
    """Read the chunks of a picture file, and write others."""
    with contextlib.suppress(ProFaceError):
        from_chunks(read_chunks(data))
    write_chunks(data, {"pfSh": [b"header"], "pfSl": [b"\0\0seal"]})


SHAPES = ((4, 6, 8, 8), (2, 3, 8, 8), (2, 3, 8, 8))  # of a region whose chroma has half the rows and columns
STEPS = [np.full((8, 8), step, np.uint16) for step in (3, 7, 7)]


def check_coefficients(data: bytes) -> None:
    """Check that every region's coefficients have one code."""
    assert encode_coefficients(decode_coefficients(data, SHAPES, STEPS), STEPS) == data


def jpeg_example() -> bytes:
    """Return a small JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(buffer, "JPEG", comment=b"free", dpi=(72, 72))
    return buffer.getvalue()


def check_text(decode: Callable[[str], object]) -> Check:
    """Return a check of a parser of text."""
    return lambda data: decode(data.decode("utf-8", "replace"))


def targets() -> list[Target]:
    """Return all targets."""
    rng = np.random.default_rng(1)
    headers = [header_example(), header_example(cover=True), with_reserved_samples(header_example(), [0, 0, 0])]
    encoded = tuple(encode_header(header) for header in headers)
    records = tuple(face_record(header, index) for header in headers[:2] for index in range(3))
    rgb = rng.integers(0, 256, (60, 96, 3), dtype=np.uint8)
    pixels = tuple(write_record(rgb, record).tobytes() for record in records)
    chunks = to_chunks(headers[0], {0: bytes(60), 2: bytes(90)})
    files = {name: write_chunks(encode_picture(Picture(rgb), name), chunks) for name in FORMATS}
    face_keys = tuple(
        encode_face_key(PortableFaceKey(index, rng.bytes(8), ring.face_key(0))).encode()
        for index, ring in enumerate(KeyRing.generate(bytes(16), [Box(0, 0, 8, 8)]) for _ in range(3))
    )
    identity = Identity.generate()
    jpeg = jpeg_example()
    long = {"pfSh": chunks["pfSh"], "pfSl": [bytes(2) + rng.bytes(70_000)]}  # a chain of two segments
    coefficients = [rng.laplace(0, size, shape).astype(np.int16) for size in (0.4, 3, 60) for shape in SHAPES]
    return [
        Target("header", check_header_bytes, encoded, with_digest),
        Target("record", check_record, records),
        Target("pixels", check_pixels, pixels, None, 0.5),
        Target("written", check_written, records, None, 0.5),
        Target("sidecar", check_sidecar, (encode_sidecar(rgb, chunks),), with_digest),
        Target("clip sidecar", check_clip_sidecar, ((GOLDEN / "clip" / "stripped.mp4.pfs").read_bytes(),)),
        Target("face key", check_text(decode_face_key), face_keys),
        Target("identity", check_text(decode_identity), (encode_identity(identity).encode(),)),
        Target("recipient", check_text(decode_recipient), (str(identity.recipient).encode(),)),
        Target("png chunks", check_file, (files["png"],), with_crcs),
        Target("webp chunks", check_file, (files["webp"],)),
        Target("tiff tags", check_file, (files["tiff"],)),
        Target("jpeg chain", check_file, (write_chunks(jpeg, chunks), write_chunks(jpeg, long))),
        Target(
            "coefficients",
            check_coefficients,
            tuple(encode_coefficients(coefficients[at : at + 3], STEPS) for at in (0, 3, 6)),
            None,
            0.5,
        ),
        Target("picture", lambda data: read_picture(data, max_pixels=10**6), tuple(files.values()), with_crcs, 0.25),
    ]


def mutated(example: bytes, rng: np.random.Generator) -> bytes:
    """Return an example with one to eight errors."""
    data = bytearray(example)
    for _ in range(int(rng.integers(1, 9)) if rng.random() < 0.5 else 1):
        size = len(data)
        at = int(rng.integers(0, size + 1)) if rng.random() < 0.6 else min(size, int(rng.integers(0, 120)))
        length = int(rng.integers(1, 20))
        match int(rng.integers(0, 7)):
            case 0 if at < size:
                data[at] ^= 1 << int(rng.integers(0, 8))
            case 1 if at < size:
                data[at] = int(rng.integers(0, 256))
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                data[at:at] = rng.bytes(length)
            case 5:
                extreme = EXTREMES[int(rng.integers(0, len(EXTREMES)))]
                data[at : at + len(extreme)] = extreme
            case _:
                other = int(rng.integers(0, size + 1))
                data[at : at + length], data[other : other + length] = (
                    data[other : other + length], data[at : at + length],
                )  # fmt: skip
        if rng.random() < 0.02:
            del data[at:]
    return bytes(data)


class TooSlow(Exception):
    """An input took longer than the limit."""


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    """Raise `TooSlow` in the body if it computes for longer than `SECONDS`."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def fuzz(target: Target, inputs: int, seed: int, *, memory: bool = False) -> dict[str, float]:
    """Try a number of mutated inputs.

    Args:
        target: the target.
        inputs: how many.
        seed: seed of the mutations.
        memory: whether to measure the memory that each input allocates, which takes several times as long.

    Returns:
        Figures: number of inputs and of refused ones, seconds of the slowest, most bytes allocated by one.

    Raises:
        AssertionError: if an input fails; the message holds its number.
    """
    refused, slowest, largest = 0, 0.0, 0
    for number in range(inputs):
        rng = np.random.default_rng([seed, number])
        data = mutated(target.examples[int(rng.integers(0, len(target.examples)))], rng)
        if target.repair is not None and rng.random() < 0.5:
            data = target.repair(data)
        if memory:
            tracemalloc.start()
        start = time.perf_counter()
        try:
            with time_limit():
                target.check(data)
        except ProFaceError:
            refused += 1
        except BaseException as error:
            raise AssertionError(f"{target.name}, seed {seed}, input {number}: {error!r}") from error
        slowest = max(slowest, time.perf_counter() - start)
        if memory:
            largest = max(largest, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            if largest > BYTES:
                raise AssertionError(f"{target.name}, seed {seed}, input {number}: {largest} bytes")
    return {"inputs": inputs, "refused": refused, "slowest_s": slowest, "largest_bytes": largest}


def main() -> int:
    """Fuzz every target, or one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=20_000, help="for each target; slow ones get fewer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", help="this one alone")
    parser.add_argument("--memory", type=float, default=0.05, help="share of the inputs whose memory is measured")
    given = parser.parse_args()
    total = 0
    for target in targets():
        if given.target not in (None, target.name):
            continue
        inputs, start = int(given.inputs * target.share), time.perf_counter()
        figures = fuzz(target, inputs, given.seed)
        measured = fuzz(replace(target), int(inputs * given.memory), given.seed + 1, memory=True)
        total += inputs + int(measured["inputs"])
        print(
            f"{target.name:<12} {inputs + int(measured['inputs']):>7} inputs  {int(figures['refused']):>7} refused  "
            f"slowest {figures['slowest_s'] * 1000:7.1f} ms  largest {measured['largest_bytes'] / 1024:8.0f} KiB  "
            f"{time.perf_counter() - start:6.1f} s", flush=True,
        )  # fmt: skip
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024
    print(f"{total} inputs, none failed; peak resident memory {peak} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
