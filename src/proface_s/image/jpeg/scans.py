"""Huffman-coded scans of JPEG files, baseline and progressive: `ScanCoder`.

The code is a WebAssembly module of 16 kB, ``scans.wasm``, made from tools/jpeg_scans/scans.c.  It runs on every
platform that has the runtime (wasmtime), and a hostile file can reach nothing but the memory of its own instance.
Measured against libjpeg-turbo with a 12-megapixel photo: docs/explain/jpeg.md.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import struct
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...errors import ImageError
from ...threads import Once
from .picture import BLOCK, Coefficients, Scan

if TYPE_CHECKING:
    import wasmtime

HuffmanTable = tuple[bytes, bytes]
"""Numbers of codes of 1 to 16 bits (16 bytes), and the symbols in the order of their codes."""

_FAULTS: Final = {
    -1: "its data end early", -2: "a code that is not in its table", -3: "a restart marker is missing",
    -4: "a coefficient out of range", -5: "a Huffman table is missing or wrong", -6: "it needs too much memory",
}  # fmt: skip
_COMPONENT: Final = struct.Struct("<7i")
_SCAN: Final = struct.Struct("<21i")
_TABLE_BYTES: Final = 273
_SLOTS: Final = 4
_PAGE_BYTES, _MOST_PAGES = 65536, 65535


@Once
def _module() -> tuple[wasmtime.Engine, wasmtime.Module]:
    """Compile the module, once per process (30 ms)."""
    import wasmtime

    config = wasmtime.Config()
    config.parallel_compilation = False  # no threads: the process may fork
    config.signals_based_traps = False  # leave the process's signal handlers alone
    config.memory_reservation = 0  # no gigabytes of address space, which limits may forbid
    config.memory_reservation_for_growth = 0
    config.memory_guard_size = 0
    engine = wasmtime.Engine(config)
    module = wasmtime.Module(engine, (files(__package__) / "scans.wasm").read_bytes())
    atexit.register(engine.close)  # later, when Python has cleared its modules, closing prints an error
    atexit.register(module.close)
    return engine, module


class ScanCoder:
    """Decodes and encodes the scans of one picture; holds its coefficients.

    Args:
        shapes: per component: (h, v, blocks across, blocks down), the numbers of blocks being those of a scan of this
            component alone.
        mcus: (columns, rows) of MCUs.
        progressive: whether the scans are those of a progressive picture.
        room: bytes of coded data to make room for at once: more are found, but each time all memory is copied.

    Raises:
        ImageError: if there is not enough memory.
    """

    def __init__(
        self, shapes: Sequence[tuple[int, int, int, int]], mcus: tuple[int, int], progressive: bool, room: int = 0
    ) -> None:
        import wasmtime

        engine, module = _module()
        self._store = wasmtime.Store(engine)
        try:
            exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        except wasmtime.WasmtimeError:  # the module is ours and imports nothing: only memory can be lacking
            raise ImageError("there is not enough memory for the JPEG coder", code="jpeg-memory") from None
        self._exports: Any = exports
        self._memory: Any = exports["memory"]
        self._mcus, self._progressive = mcus, progressive
        self._planes: list[tuple[int, tuple[int, int]]] = []
        sizes = [(mcus[1] * v, mcus[0] * h) for h, v, _, _ in shapes]
        self._reserve(sum(2 * BLOCK * BLOCK * rows * columns for rows, columns in sizes) + room)
        for number, ((h, v, across, down), (rows, columns)) in enumerate(zip(shapes, sizes, strict=True)):
            at = self._allocate(2 * BLOCK * BLOCK * columns * rows)
            self._planes.append((at, (rows, columns)))
            fields = _COMPONENT.pack(at, columns, rows, h, v, across, down)
            self._put(self._call("components_at") + _COMPONENT.size * number, fields)

    def coefficients(self, number: int) -> Coefficients:
        """Return a copy of the coefficients of a component: (block rows, block columns, 8, 8) int16."""
        return self._plane(number).copy()

    def set_coefficients(self, number: int, values: Coefficients) -> None:
        """Replace the coefficients of a component."""
        self._plane(number)[...] = values

    def decode(
        self, scan: Scan, data: bytes, dc: Sequence[HuffmanTable | None], ac: Sequence[HuffmanTable | None]
    ) -> None:
        """Decode a scan into the coefficients.

        Args:
            scan: its parameters.
            data: its entropy-coded bytes, restart markers included.
            dc: the file's four Huffman tables for DC at this point; None for those that are not defined.
            ac: the same for AC.

        Raises:
            ImageError: if the data are damaged or truncated.
        """
        self._set_scan(scan)
        for name, tables in (("dc_tables_at", dc), ("ac_tables_at", ac)):
            empty: HuffmanTable = (bytes(16), b"")
            packed = [b"\0" + bits + values.ljust(256, b"\0") for bits, values in (each or empty for each in tables)]
            self._put(self._call(name), b"".join(packed))
        at = self._allocate(len(data))
        self._put(at, data)
        self._check(self._call("read_scan", at, len(data)))

    def encode(self, scan: Scan) -> tuple[bytes, dict[int, HuffmanTable], dict[int, HuffmanTable]]:
        """Encode a scan of the coefficients with the best Huffman tables for it.

        Returns:
            The entropy-coded bytes, and the tables it uses for DC and for AC: number -> table.

        Raises:
            ImageError: if a coefficient is out of range, or there is not enough memory.
        """
        self._set_scan(scan)
        self._check(self._call("write_scan"))
        start = self._call("written_at")
        data = self._take(start, self._call("written_bytes"))
        has_dc = not self._progressive or (scan.first == 0 and scan.high == 0)
        has_ac = not self._progressive or scan.first > 0
        dc = self._tables("dc_tables_at", scan.dc_tables if has_dc else ())
        return data, dc, self._tables("ac_tables_at", scan.ac_tables if has_ac else ())

    def _tables(self, name: str, numbers: Sequence[int]) -> dict[int, HuffmanTable]:
        tables = {}
        for number in dict.fromkeys(numbers):
            packed = self._take(self._call(name) + _TABLE_BYTES * number, _TABLE_BYTES)
            tables[number] = packed[1:17], packed[17 : 17 + sum(packed[1:17])]
        return tables

    def _set_scan(self, scan: Scan) -> None:
        def padded(numbers: Sequence[int]) -> list[int]:
            return [*numbers, *[0] * (_SLOTS - len(numbers))]

        fields = [len(scan.components), *padded(scan.components), *padded(scan.dc_tables), *padded(scan.ac_tables)]
        fields += [scan.first, scan.last, scan.high, scan.low, scan.restart, *self._mcus, int(self._progressive)]
        self._put(self._call("scan_at"), _SCAN.pack(*fields))

    def _plane(self, number: int) -> Coefficients:
        """A view of a component's coefficients, valid until memory is next allocated."""
        at, (rows, columns) = self._planes[number]
        count = rows * columns * BLOCK * BLOCK
        view = np.frombuffer(self._bytes(at, 2 * count), dtype="<i2", count=count)
        return view.reshape(rows, columns, BLOCK, BLOCK)

    def _bytes(self, at: int, length: int) -> Any:
        base = ctypes.addressof(self._memory.data_ptr(self._store).contents)
        return (ctypes.c_ubyte * length).from_address(base + at)

    def _put(self, at: int, data: bytes) -> None:
        ctypes.memmove(self._bytes(at, len(data)), data, len(data))

    def _take(self, at: int, length: int) -> bytes:
        return bytes(self._bytes(at, length))

    def _reserve(self, length: int) -> None:
        """Make memory larger at once; `_allocate` says whether it is large enough."""
        import wasmtime

        with contextlib.suppress(wasmtime.WasmtimeError):
            self._memory.grow(self._store, min(length // _PAGE_BYTES + 1, _MOST_PAGES))

    def _allocate(self, length: int) -> int:
        at = self._call("allocate", length) if length < 2**32 else 0
        if not at:
            raise ImageError("the picture is too large for the JPEG coder", code="jpeg-memory")
        return at

    def _call(self, name: str, *arguments: int) -> int:
        signed = [value - 2**32 if value >= 2**31 else value for value in arguments]
        result = int(self._exports[name](self._store, *signed))
        return result if name in ("read_scan", "write_scan") else result % 2**32

    def _check(self, status: int) -> None:
        if status:
            raise ImageError(f"damaged JPEG data ({_FAULTS.get(status, status)})", code="damaged-picture")
