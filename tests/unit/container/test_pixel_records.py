"""Records in the pixels: change samples by at most 1, are found anywhere and repaired; no false matches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import reedsolo
from reedsolo import RSCodec

from proface_s.container.records import pixel_records
from proface_s.container.records.pixel_records import (
    MAX_RECORD_BYTES,
    MIN_WIDTH,
    SYNC,
    FoundRecord,
    erase_record,
    find_records,
    read_record,
    record_fits,
    record_samples,
    write_record,
)

RNG = np.random.default_rng(11)
RECORD = RNG.bytes(178)


def noise(height: int, width: int) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def found_in(picture: np.ndarray) -> list[tuple[int, int, bytes]]:
    return [(each.x, each.y, each.record) for each in find_records(picture)]


@pytest.mark.parametrize("level", [0, 1, 127, 254, 255, None])
@pytest.mark.parametrize("length", [1, 178, 219, 220, 500])
def test_every_level_changes_by_one_at_most(level: int | None, length: int) -> None:
    region = noise(64, 96) if level is None else np.full((64, 96, 3), level, np.uint8)
    record = RNG.bytes(length)
    written = write_record(region, record)
    before, after = region.reshape(-1).astype(int), written.reshape(-1).astype(int)
    used = record_samples(length)
    assert np.abs(after - before).max() <= 1
    assert np.array_equal(after[used:], before[used:])
    assert (after[:used] != before[:used]).any()
    assert read_record(written) == FoundRecord(0, 0, 96, record, 0)


def test_the_region_given_is_left_alone() -> None:
    region = noise(64, 64)
    kept = region.copy()
    write_record(region, RECORD)
    erase_record(region, 100)
    assert np.array_equal(region, kept)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (13, 7), (200 - 48, 150 - 60), (51, 150 - 60)])
@pytest.mark.parametrize("background", [0, 255, None])
def test_records_are_found_wherever_they_are(x: int, y: int, background: int | None) -> None:
    picture = noise(150, 200) if background is None else np.full((150, 200, 3), background, np.uint8)
    picture[y : y + 60, x : x + 48] = write_record(picture[y : y + 60, x : x + 48], RECORD)
    assert found_in(picture) == [(x, y, RECORD)]
    assert read_record(picture, x, y) == find_records(picture)[0]
    assert read_record(picture, x + 1, y) is None


def test_several_records_of_several_widths() -> None:
    picture, places = noise(400, 600), {}
    for i, (x, y, width) in enumerate([(0, 0, 32), (100, 5, 64), (101, 200, 300), (500, 300, 100), (32, 0, 40)]):
        record = RNG.bytes(60 + 30 * i)
        picture[y : y + 90, x : x + width] = write_record(picture[y : y + 90, x : x + width], record)
        places[x, y] = record
    assert {(x, y): record for x, y, record in found_in(picture)} == places


def test_the_search_crosses_its_own_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = noise(200, 100)
    picture[97:157, 20:68] = write_record(picture[97:157, 20:68], RECORD)
    for pixels in (100, 900, 5000):
        monkeypatch.setattr("proface_s.container.records.pixel_records._BLOCK_PIXELS", pixels)
        assert found_in(picture) == [(20, 97, RECORD)]


def test_damaged_samples_are_repaired() -> None:
    region = write_record(noise(64, 64), RECORD)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        damaged = region.copy()
        samples = damaged.reshape(-1)
        body = 8 * 12
        hit = body + rng.choice(record_samples(len(RECORD)) - body, 14, replace=False)
        hit = np.concatenate([hit, rng.choice(40, 3, replace=False), 40 + rng.choice(56, 2, replace=False)])
        samples[hit] = rng.integers(0, 256, hit.size) ^ 1
        (record,) = find_records(damaged)
        assert record.record == RECORD
        assert record.repaired <= 14


def test_a_scratch_is_repaired() -> None:
    """Draw a line of forty pixels into the record."""
    region = write_record(noise(64, 64), RECORD)
    region[5, 3:43] = 255
    assert found_in(region) == [(0, 0, RECORD)]


def test_too_much_damage_gives_nothing_rather_than_something_wrong() -> None:
    region = write_record(noise(64, 64), RECORD)
    region.reshape(-1)[96:1000] ^= 1
    assert find_records(region) == []
    assert read_record(region) is None


def test_an_erased_record_is_gone() -> None:
    region = write_record(noise(64, 64), RECORD)
    used = record_samples(len(RECORD))
    erased = erase_record(region, used)
    assert find_records(erased) == []
    assert not (erased.reshape(-1)[:used] & 1).any()
    assert np.array_equal(erased.reshape(-1)[used:], region.reshape(-1)[used:])
    with pytest.raises(ValueError, match="do not fit"):
        erase_record(region, region.size + 1)


def test_what_fits() -> None:
    assert record_samples(0) == 0
    assert record_samples(1) < record_samples(2) < record_samples(MAX_RECORD_BYTES) < 10_000
    assert record_fits(36, 36, 178)
    assert not record_fits(34, 34, 178), "half of the samples are the face's"
    assert not record_fits(MIN_WIDTH - 2, 1000, 178)
    assert not record_fits(41, 1000, 178), "regions have even sides"
    assert not record_fits(40_000, 100, 178), "wider than a head can say"
    assert not record_fits(1000, 1000, MAX_RECORD_BYTES + 1)
    with pytest.raises(ValueError, match="does not fit"):
        write_record(noise(20, 40), RECORD)
    with pytest.raises(ValueError, match="1023"):
        record_samples(MAX_RECORD_BYTES + 1)


def test_cropped_so_that_the_record_is_incomplete() -> None:
    region = write_record(noise(64, 64), RECORD)
    for part in (region[:4], region[:, :40], region[1:], region[:, 1:], region[:0], region[:, :5]):
        assert find_records(np.ascontiguousarray(part)) == []


def synthetic() -> dict[str, np.ndarray]:
    """Pictures whose lowest bits have structure."""
    y, x = np.mgrid[0:700, 0:900]
    stripes = np.unpackbits(np.frombuffer(SYNC, np.uint8))
    return {
        "black": np.zeros((700, 900, 3), np.uint8),
        "gradient": np.dstack([x % 256, y % 256, (x + y) % 256]).astype(np.uint8),
        "checks": np.repeat(((x ^ y) & 1)[..., None] * 255, 3, axis=2).astype(np.uint8),
        "sync words only": np.resize(stripes, (700, 2700)).reshape(700, 900, 3),
        "text": np.where(RNG.random((700, 900, 1)) < 0.1, 0, 255).astype(np.uint8).repeat(3, axis=2),
    }


@pytest.mark.parametrize("name", list(synthetic()))
def test_nothing_is_found_where_there_is_nothing(name: str) -> None:
    assert find_records(synthetic()[name]) == []


def test_nothing_is_found_in_photos_and_noise() -> None:
    from skimage import data

    for picture in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket(), noise(1500, 2000)):
        assert find_records(picture) == []


def test_hostile_pictures_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill a picture with sync words and heads whose bodies are beyond repair: the number of attempts is bounded."""
    tried: list[bytes] = []
    real = pixel_records._decode_body
    monkeypatch.setattr(pixel_records, "_decode_body", lambda body: tried.append(body) or real(body))
    head = bytes(RSCodec(4).encode((20 << 10 | 178).to_bytes(3, "big")))
    front = np.unpackbits(np.frombuffer(SYNC + head, np.uint8))
    rows = np.resize(front, (1000, 2880)) ^ np.zeros((1000, 1), np.uint8)
    rows[1::2, 1440:] = RNG.integers(0, 2, (500, 1440))
    assert find_records(rows.reshape(1000, 960, 3)) == []
    assert len(tried) == pixel_records._MAX_BROKEN


def test_no_codec_is_made_once_one_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making one fills the tables with which others compute, in other threads too: they gave wrong bytes meanwhile."""
    events: list[str] = []

    def noted(name: str, call: Callable[..., object]) -> Callable[..., object]:
        return lambda *arguments, **named: (events.append(name), call(*arguments, **named))[1]

    monkeypatch.setattr(reedsolo, "init_tables", noted("tables", reedsolo.init_tables))
    for use in ("encode", "decode"):
        monkeypatch.setattr(RSCodec, use, noted("use", getattr(RSCodec, use)))
    pixel_records._reed_solomon.forget()
    damaged = write_record(noise(64, 96), RECORD)
    damaged[2, 10:20] ^= 1
    assert found_in(damaged) == [(0, 0, RECORD)]
    assert events.count("tables") == 2
    assert "tables" not in events[2:]
