"""LDPC codes: the table of the standard, code words, decoding of noise, and nothing decoded from nothing."""

from __future__ import annotations

import numpy as np
import pytest

from proface_s.robust.ldpc import CodeWords, base_graph, ldpc_code, lifting_size


def test_the_table_is_that_of_the_standard() -> None:
    """Numbers of TS 38.212, table 5.3.2-3, and its structure: a core of four rows, then one new column a row."""
    graph = base_graph()
    assert len(graph) == 42
    assert sum(map(len, graph)) == 197
    assert graph[0][0] == (0, (9, 174, 0, 72, 3, 156, 143, 145))
    assert all(row[-1][0] == 10 + number for number, row in enumerate(graph) if number >= 4)
    assert all(set(row[-1][1]) == {0} for row in graph[4:])


@pytest.mark.parametrize(("bits", "lift"), [(1, 2), (192, 32), (193, 26), (640, 72), (641, 72), (3840, 384)])
def test_lifting_sizes(bits: int, lift: int) -> None:
    assert lifting_size(bits)[0] == lift


@pytest.mark.parametrize("bits", [80, 200, 320, 1000, 3840])
def test_every_parity_check_holds(bits: int) -> None:
    """All of the mother code is sent, and with the two columns of the message that never are, it is a code word."""
    lift, _ = lifting_size(bits)
    code = ldpc_code(bits, 50 * lift - (10 * lift - bits))
    message = np.random.default_rng(bits).integers(0, 2, (3, bits), dtype=np.uint8)
    words = np.zeros((3, code.columns * lift), np.uint8)
    words[:, : 2 * lift] = message[:, : 2 * lift]
    words[:, code.sent] = code.encode(message)
    assert code.columns == 52
    blocks = words.reshape(3, code.columns, lift)
    for row in code.rows:
        assert not np.bitwise_xor.reduce([np.roll(blocks[:, column], -shift, 1) for column, shift in row]).any()


@pytest.mark.parametrize(
    ("bits", "coded", "decibels"), [(200, 800, 0), (1200, 3600, 1), (2400, 4000, 4), (400, 4000, -5)]
)
def test_noise_is_decoded(bits: int, coded: int, decibels: float) -> None:
    rng = np.random.default_rng(7)
    code = ldpc_code(bits, coded)
    message = rng.integers(0, 2, (12, bits), dtype=np.uint8)
    variance = 10 ** (-decibels / 10)
    received = 1 - 2.0 * code.encode(message) + rng.normal(0, variance**0.5, (12, coded))
    assert (received < 0).mean() > 0.01
    decoded, sound = code.decode((2 * received / variance).astype(np.float32))
    assert sound.all()
    assert np.array_equal(decoded, message)


def test_a_word_that_is_lost_says_so_and_leaves_the_others_alone() -> None:
    rng = np.random.default_rng(8)
    code = ldpc_code(400, 1000)
    message = rng.integers(0, 2, (4, 400), dtype=np.uint8)
    ratios = (8 - 16.0 * code.encode(message)).astype(np.float32)
    ratios[2] = rng.normal(0, 4, 1000)
    decoded, sound = code.decode(ratios)
    assert sound.tolist() == [True, True, False, True]
    assert np.array_equal(decoded[[0, 1, 3]], message[[0, 1, 3]])


def test_noise_alone_satisfies_no_checks() -> None:
    noise = np.random.default_rng(9).normal(0, 4, (64, 2000)).astype(np.float32)
    assert not ldpc_code(600, 2000).decode(noise)[1].any()


def test_long_messages_share_their_carriers() -> None:
    words = CodeWords(10_001, 40_003)
    message = np.random.default_rng(1).integers(0, 2, 10_001, dtype=np.uint8)
    coded = words.encode(message)
    assert words.count == 3
    ratios = (4 - 8.0 * coded).astype(np.float32)
    ratios[5000:9000] = 0  # a burst of a tenth
    decoded = words.decode(ratios)
    assert decoded is not None
    assert np.array_equal(decoded, message)
    assert words.decode(np.random.default_rng(2).normal(0, 1, 40_003).astype(np.float32)) is None


@pytest.mark.parametrize(("bits", "coded"), [(63, 1000), (3841, 10_000), (100, 149)])
def test_codes_that_do_not_exist(bits: int, coded: int) -> None:
    with pytest.raises(ValueError, match="no code"):
        ldpc_code(bits, coded)
