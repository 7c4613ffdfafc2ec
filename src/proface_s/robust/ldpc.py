"""LDPC codes of 5G New Radio (3GPP TS 38.212, sections 5.2.2, 5.3.2 and 5.4.2), base graph 2 only.

::

    K message bits ─ encode ─► first N bits of the circular buffer ─ channel ─► N likelihood ratios ─ decode ─► K bits

Base graph 2 covers what the layer needs: 64 to 3840 message bits at rates up to 2/3; below the mother code's rate of
1/5 the buffer starts again, which repeats bits.  `CodeWords` cuts longer messages into words of equal length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

from ..types import FloatArray
from .ldpc_decoder import decode_words

Bits = npt.NDArray[np.uint8]

LEAST_BITS: Final = 64
MOST_BITS: Final = 3840
MESSAGE_COLUMNS: Final = 10
CORE_ROWS: Final = 4  # rows whose parity bits depend on each other; every later row adds one column of its own
ROWS: Final = 42
_TABLE: Final = "base_graph_2.txt"
_ODD_PARTS: Final = (1, 3, 5, 7, 9, 11, 13, 15)  # of the lifting sizes of sets 0 to 7 (table 5.3.2-1)
_LARGEST_LIFT: Final = 384


@cache
def base_graph() -> tuple[tuple[tuple[int, tuple[int, ...]], ...], ...]:
    """Return the 42 rows of base graph 2: pairs of a column and its shifts for the eight sets of lifting sizes."""
    text = resources.files("proface_s.robust").joinpath(_TABLE).read_text(encoding="ascii")
    rows: list[list[tuple[int, tuple[int, ...]]]] = [[] for _ in range(ROWS)]
    for line in text.splitlines()[1:]:
        row, column, *shifts = map(int, line.split())
        rows[row].append((column, tuple(shifts)))
    return tuple(map(tuple, rows))


def lifting_size(bits: int) -> tuple[int, int]:
    """Return the lifting size for this many message bits, and the number of its set (table 5.3.2-1)."""
    columns = 10 if bits > 640 else 9 if bits > 560 else 8 if bits > 192 else 6
    sizes = ((odd << power, number) for number, odd in enumerate(_ODD_PARTS) for power in range(9))
    return min(each for each in sizes if 2 <= each[0] <= _LARGEST_LIFT and each[0] * columns >= bits)


@dataclass(frozen=True, slots=True, eq=False)
class LdpcCode:
    """One code of the family; make it with `ldpc_code`, which keeps those in use.

    Attributes:
        message_bits: number of message bits K.
        coded_bits: number of coded bits N.
        lift: size of the circulants, Z.
        rows: rows of the lifted graph that are used: pairs of a column and a shift.
        sent: (N,) positions of the coded bits in the code word.
    """

    message_bits: int
    coded_bits: int
    lift: int
    rows: tuple[tuple[tuple[int, int], ...], ...]
    sent: npt.NDArray[np.intp]

    @property
    def columns(self) -> int:
        """Number of columns of the lifted graph that are used, of Z bits each."""
        return MESSAGE_COLUMNS + len(self.rows)

    def encode(self, messages: Bits) -> Bits:
        """Encode messages; `decode` is the inverse.

        Args:
            messages: (B, K) of 0 and 1.

        Returns:
            (B, N) of 0 and 1.
        """
        words = np.zeros((len(messages), self.columns, self.lift), np.uint8)
        words.reshape(len(messages), -1)[:, : self.message_bits] = messages
        self._encode_core(words)
        for number, row in enumerate(self.rows[CORE_ROWS:], MESSAGE_COLUMNS + CORE_ROWS):
            words[:, number] = _sum_of(words, [each for each in row if each[0] != number])
        return np.ascontiguousarray(words.reshape(len(messages), -1)[:, self.sent])

    def _encode_core(self, words: Bits) -> None:
        """Fill in the parity bits of the first four rows, of which the first column is the sum of all four."""
        first = MESSAGE_COLUMNS
        core = range(first, first + CORE_ROWS)
        known = [[each for each in row if each[0] not in core] for row in self.rows[:CORE_ROWS]]
        total = np.bitwise_xor.reduce([_sum_of(words, row) for row in known])
        shifts = [shift for row in self.rows[:CORE_ROWS] for column, shift in row if column == first]
        (odd,) = (shift for shift in set(shifts) if shifts.count(shift) % 2)  # the other two cancel
        words[:, first] = np.roll(total, odd, -1)
        done = {first}
        while len(done) < CORE_ROWS:
            for row in self.rows[:CORE_ROWS]:
                missing = [each for each in row if each[0] in core and each[0] not in done]
                if len(missing) == 1:
                    column, shift = missing[0]
                    words[:, column] = np.roll(_sum_of(words, [e for e in row if e[0] != column]), shift, -1)
                    done.add(column)

    def decode(self, ratios: FloatArray, iterations: int = 30) -> tuple[Bits, npt.NDArray[np.bool_]]:
        """Decode by normalised min-sum with layered scheduling; inverse of `encode`.

        Args:
            ratios: (B, N) log-likelihood ratios, positive for 0.
            iterations: at most; a word is finished when all parity checks hold.

        Returns:
            (B, K) bits, and for each word whether all its parity checks hold.  That is no proof: zeros satisfy them.
        """
        values = np.zeros((self.columns * self.lift, len(ratios)), np.float32)
        for start in range(0, self.coded_bits, len(self._buffer)):
            part = self.sent[start : start + len(self._buffer)]
            values[part] += ratios.T[start : start + len(part)]
        values[self.message_bits : MESSAGE_COLUMNS * self.lift] = np.inf  # filler bits are known to be 0
        hard, sound = decode_words(values, self.rows, self.lift, iterations)
        return np.ascontiguousarray(hard[: self.message_bits].T), sound

    @property
    def _buffer(self) -> npt.NDArray[np.intp]:
        return circular_buffer(self.message_bits, self.lift, self.columns)


def circular_buffer(message_bits: int, lift: int, columns: int) -> npt.NDArray[np.intp]:
    """Return the positions of a code word that are sent: not the first two columns, and no filler (section 5.4.2)."""
    every = np.arange(columns * lift)
    filler = (every >= message_bits) & (every < MESSAGE_COLUMNS * lift)
    return every[(every >= 2 * lift) & ~filler]


def is_codable(message_bits: int, carriers: int) -> bool:
    """Return whether there is a code for a message of this length, in one word or several, on so many carriers."""
    if message_bits < LEAST_BITS:
        return False
    words = -(-message_bits // MOST_BITS)
    return 2 * (carriers // words) >= 3 * -(-message_bits // words)


@cache
def ldpc_code(message_bits: int, coded_bits: int) -> LdpcCode:
    """Return the code for this many message bits and coded bits.

    Args:
        message_bits: 64 to 3840.
        coded_bits: at least 3/2 of them.

    Raises:
        ValueError: if there is no such code.
    """
    if message_bits > MOST_BITS or not is_codable(message_bits, coded_bits):
        raise ValueError(
            f"no code for {message_bits} bits in {coded_bits}: {LEAST_BITS} to {MOST_BITS}, rate 2/3 at most"
        )
    lift, number = lifting_size(message_bits)
    unpunctured = coded_bits + 2 * lift + (MESSAGE_COLUMNS * lift - message_bits)
    count = min(ROWS, max(CORE_ROWS, -(-unpunctured // lift) - MESSAGE_COLUMNS))
    rows = tuple(tuple((column, shifts[number] % lift) for column, shifts in row) for row in base_graph()[:count])
    buffer = circular_buffer(message_bits, lift, MESSAGE_COLUMNS + count)
    return LdpcCode(message_bits, coded_bits, lift, rows, np.resize(buffer, coded_bits))


@dataclass(frozen=True, slots=True)
class CodeWords:
    """A message of any length in equal code words that share a given number of carriers.

    Attributes:
        message_bits: length of the message.
        carriers: number of coded bits; the last few, fewer than there are words, carry zeros.
    """

    message_bits: int
    carriers: int

    @property
    def count(self) -> int:
        """Number of code words."""
        return -(-self.message_bits // MOST_BITS)

    @property
    def code(self) -> LdpcCode:
        """The code of each word.

        Raises:
            ValueError: if the carriers are too few.
        """
        return ldpc_code(-(-self.message_bits // self.count), self.carriers // self.count)

    def encode(self, message: Bits) -> Bits:
        """Encode a message of `message_bits` bits into one bit per carrier; `decode` is the inverse."""
        code = self.code
        padded = np.zeros(self.count * code.message_bits, np.uint8)
        padded[: self.message_bits] = message
        coded = np.zeros(self.carriers, np.uint8)
        coded[: self.count * code.coded_bits] = code.encode(padded.reshape(self.count, -1)).T.ravel()
        return coded

    def decode(self, ratios: FloatArray, iterations: int = 30) -> Bits | None:
        """Decode one log-likelihood ratio per carrier; inverse of `encode`.

        Returns:
            The message; None if a word does not satisfy its parity checks.
        """
        code = self.code
        used = ratios[: self.count * code.coded_bits].reshape(-1, self.count).T
        words, sound = code.decode(used, iterations)
        return words.ravel()[: self.message_bits] if sound.all() else None


def _sum_of(words: Bits, row: list[tuple[int, int]]) -> Bits:
    """Return the sum modulo 2 of shifted columns; words (B, columns, Z), sum (B, Z)."""
    total = np.zeros((len(words), words.shape[2]), np.uint8)
    for column, shift in row:
        total ^= np.roll(words[:, column], -shift, -1)
    return total
