"""What became of every photo of a run: Parquet files in a folder of their own.

::

    manifest.parquet            one row per photo, as of the last time a run ended or began
    part-<session>-<n>.parquet  rows that came since; a photo's last row counts

Every file carries the run's id and fingerprint, so that no file of another run is taken for one of this.  Files appear
whole or not at all: a run that is killed loses the rows of its last seconds, and does those photos again.

The manifest says which output was made from which photo, and its digests let anybody who has a photo look it up:
it belongs to whoever owns the originals, and not beside the outputs that are published.
"""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..covers import format_style
from ..errors import FileFormatError, ImageError, UsageError
from .job import Job, Known
from .locations import Place
from .worker import Row

FORMAT = "1"
MAIN = "manifest.parquet"
PRIVATE = 0o600  # it says which output was made from which photo
FLUSH_ROWS = 5000
FLUSH_SECONDS = 10.0
SCHEMA = pa.schema(
    [
        ("source", pa.string()), ("target", pa.string()), ("status", pa.string()), ("reason", pa.string()),
        ("faces", pa.int32()), ("face_pixels", pa.int64()),
        ("pixels", pa.int64()), ("source_sha256", pa.string()), ("target_sha256", pa.string()),
        ("source_bytes", pa.int64()), ("target_bytes", pa.int64()), ("read_s", pa.float32()),
        ("protect_s", pa.float32()), ("write_s", pa.float32()), ("cpu_s", pa.float32()),
        ("attempt", pa.int16()), ("worker", pa.string()),
        ("run", pa.string()), ("finished", pa.timestamp("us", "UTC")),
    ]
)  # fmt: skip


@dataclass(slots=True)
class Manifest:
    """The manifest of one run, open for writing by one process; see `open_manifest`.

    Attributes:
        place: its folder.
        run: random id, the same however often the run is resumed.
        resumed: whether there were files of it before.
    """

    place: Place
    run: str
    resumed: bool
    _meta: dict[str, str]
    _session: str = field(default_factory=lambda: secrets.token_hex(4))
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _parts: int = 0
    _flushed: float = field(default_factory=time.monotonic)

    def add(self, row: Row) -> None:
        """Note a row; written with others, every `FLUSH_SECONDS` or `FLUSH_ROWS`.

        Raises:
            ImageError: it cannot be written; nothing noted is forgotten.
        """
        stamp = int(time.time() * 1e6)  # of this process: workers' clocks may differ
        texts = {name: noted(value) for name, value in asdict(row).items() if isinstance(value, str)}
        self._rows.append({**asdict(row), **texts, "run": self.run, "finished": stamp})
        if len(self._rows) >= FLUSH_ROWS or time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what was noted.

        Raises:
            ImageError: it cannot be written.
        """
        self._flushed = time.monotonic()
        if self._rows:
            table = pa.Table.from_pylist(self._rows, SCHEMA)
            self.place.write(f"part-{self._session}-{self._parts:06}.parquet", self._encoded(table), like=PRIVATE)
            self._parts += 1
            self._rows.clear()

    def close(self) -> None:
        """Write what was noted, and gather all parts into one file with one row per photo.

        Raises:
            ImageError: it cannot be written; the parts stay.
        """
        self.flush()
        names = self.place.files(".parquet")
        if names != [MAIN]:
            table = read_rows(self.place, names)
            self.place.write(MAIN, self._encoded(table), like=PRIVATE)
            for name in names:
                if name != MAIN:
                    self.place.remove(name)

    def known(self) -> dict[str, Known]:
        """What is known of every photo, by its name as `noted` has it."""
        table = read_rows(self.place, self.place.files(".parquet"))
        columns = [table.column(name).to_pylist() for name in
                   ("source", "status", "source_sha256", "target_sha256", "target_bytes")]  # fmt: skip
        return {source: Known(*rest) for source, *rest in zip(*columns, strict=True)}

    def _encoded(self, table: pa.Table) -> bytes:
        return encode(table, self._meta)


def noted(text: str) -> str:
    """Return a text as the manifest has it: with escapes for bytes of names that are not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def open_manifest(place: Place, job: Job, *, overwrite: bool = False) -> Manifest:
    """The manifest of a run: that of an earlier start of the same run, or a new one.

    Args:
        place: its folder.
        job: the run.
        overwrite: start anew over a target that holds files already.

    Raises:
        UsageError: it belongs to another run; or it is new and the target is not empty.
        FileFormatError: there is something else of its name, or it is damaged.
        ImageError: place or target cannot be reached.
    """
    target = Place(job.target)
    names = place.files(".parquet")
    if names:
        target.make()
        meta = _read_meta(place, names, job)
        return Manifest(place, meta["run"], True, meta)
    if not overwrite and not target.empty():
        raise UsageError(
            f"{target} is not empty, and there is no manifest of this run in {place}",
            "name its manifest, choose another target, or allow overwriting",
            code="no-manifest",
        )
    target.make()
    place.make()
    run = secrets.token_hex(8)
    meta = {"format": FORMAT, "run": run, "fingerprint": job.fingerprint(), "source": job.source, "target": job.target,
            "style": format_style(job.style)}  # fmt: skip
    place.write(MAIN, encode(SCHEMA.empty_table(), meta), like=PRIVATE)
    return Manifest(place, run, False, meta)


def read_rows(place: Place, names: Iterable[str]) -> pa.Table:
    """All rows of some files, the last one of every photo, in order of the photos' names.

    Raises:
        FileFormatError: a file is no manifest, or damaged.
    """
    tables = [_read(place, name) for name in names]
    table = pa.concat_tables(tables).sort_by([("source", "ascending"), ("finished", "ascending")])
    sources = table.column("source").combine_chunks()
    if len(sources) < 2:
        return table
    last = pa.compute.not_equal(sources[:-1], sources[1:])
    return table.filter(pa.chunked_array([last, pa.array([True])]).combine_chunks())


def encode(table: pa.Table, meta: dict[str, str]) -> bytes:
    """A Parquet file of some rows; ``_read`` is the inverse."""
    marked = table.cast(SCHEMA).replace_schema_metadata({f"proface.{key}": value for key, value in meta.items()})
    buffer = io.BytesIO()
    pq.write_table(marked, buffer, compression="zstd")
    return buffer.getvalue()


def _read(place: Place, name: str) -> pa.Table:
    try:
        return pq.read_table(io.BytesIO(place.read(name))).cast(SCHEMA)
    except (pa.ArrowException, ValueError, KeyError) as error:
        raise _foreign(place, name) from error


def _read_meta(place: Place, names: Iterable[str], job: Job) -> dict[str, str]:
    """What all files say of their run, which must be this one."""
    found: dict[str, str] = {}
    for name in names:
        try:
            raw = pq.read_schema(io.BytesIO(place.read(name))).metadata or {}
        except (pa.ArrowException, ValueError) as error:
            raise _foreign(place, name) from error
        meta = {k.decode()[8:]: v.decode() for k, v in raw.items() if k.startswith(b"proface.")}
        if not meta.get("run") or meta.get("format") != FORMAT:
            raise _foreign(place, name)
        if meta.get("fingerprint") != job.fingerprint() or meta["run"] != found.get("run", meta["run"]):
            raise UsageError(
                f"the manifest in {place} belongs to another run: {meta.get('source')} -> {meta.get('target')}, "
                f"style {meta.get('style')}",
                "repeat that run's places, style, recipients and options, or name another folder for the manifest",
                code="other-manifest",
            )
        found = meta
    return found


def _foreign(place: Place, name: str) -> ImageError | FileFormatError:
    return FileFormatError(
        f"{place}/{name} is not a manifest of this program, or it is damaged",
        "name another folder for the manifest",
        code="foreign-manifest",
    )
