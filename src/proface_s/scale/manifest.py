"""The manifest: the outcome of every photo of a run, as Parquet files in a folder of their own.

::

    manifest.parquet            one row per photo, as of the last time a run ended or began
    part-<session>-<n>.parquet  rows added since; a photo's last row counts

Every file carries the run's id and fingerprint, so that a file of another run is recognised.  Files are written
atomically: a run that is killed loses the rows of its last seconds, and does those photos again.

The manifest says which output was made from which photo, and its digests let anybody who has a photo look it up.  Keep
it with the originals, not beside the outputs that are published.
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
from .job import CollectionJob, KnownPhoto
from .locations import Location
from .outcomes import ManifestRow

FORMAT = "1"
MAIN = "manifest.parquet"
PRIVATE = 0o600  # permissions: it says which output was made from which photo
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
        ("share_target", pa.string()), ("share_sha256", pa.string()), ("share_bytes", pa.int64()),
    ]
)  # fmt: skip
LATER = {"share_target": "", "share_sha256": "", "share_bytes": 0}
"""Columns that manifests of earlier versions lack, and what they hold there."""


@dataclass(slots=True)
class Manifest:
    """The manifest of one run, open for writing by one process; see `open_manifest`.

    Attributes:
        folder: where its files are.
        run: random id; a resumed run keeps it.
        resumed: whether it existed before.
    """

    folder: Location
    run: str
    resumed: bool
    _meta: dict[str, str]
    _session: str = field(default_factory=lambda: secrets.token_hex(4))
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _parts: int = 0
    _flushed: float = field(default_factory=time.monotonic)

    def add(self, row: ManifestRow) -> None:
        """Add a row; rows are written every `FLUSH_SECONDS`, or when there are `FLUSH_ROWS`.

        Raises:
            ImageError: if they cannot be written; they are kept for the next try.
        """
        stamp = int(time.time() * 1e6)  # of this process: workers' clocks may differ
        texts = {name: noted(value) for name, value in asdict(row).items() if isinstance(value, str)}
        self._rows.append({**asdict(row), **texts, "run": self.run, "finished": stamp})
        if len(self._rows) >= FLUSH_ROWS or time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the rows that were added since the last time.

        Raises:
            ImageError: if they cannot be written.
        """
        self._flushed = time.monotonic()
        if self._rows:
            table = pa.Table.from_pylist(self._rows, SCHEMA)
            self.folder.write(f"part-{self._session}-{self._parts:06}.parquet", self._encoded(table), like=PRIVATE)
            self._parts += 1
            self._rows.clear()

    def close(self) -> None:
        """Write the remaining rows, and merge all parts into one file with one row per photo.

        Raises:
            ImageError: if it cannot be written; the parts are kept.
        """
        self.flush()
        names = self.folder.files(".parquet")
        if names != [MAIN]:
            table = read_rows(self.folder, names)
            self.folder.write(MAIN, self._encoded(table), like=PRIVATE)
            for name in names:
                if name != MAIN:
                    self.folder.remove(name)

    def known(self) -> dict[str, KnownPhoto]:
        """Return the entry of every photo, by its name as `noted` writes it."""
        table = read_rows(self.folder, self.folder.files(".parquet"))
        columns = [table.column(name).to_pylist() for name in
                   ("source", "status", "source_sha256", "target_sha256", "target_bytes", "share_sha256",
                    "share_bytes")]  # fmt: skip
        return {source: KnownPhoto(*rest) for source, *rest in zip(*columns, strict=True)}

    def _encoded(self, table: pa.Table) -> bytes:
        return encode(table, self._meta)


def noted(text: str) -> str:
    """Return a text as the manifest stores it: with escapes for bytes of names that are not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def open_manifest(folder: Location, job: CollectionJob, *, overwrite: bool = False) -> Manifest:
    """Open the manifest that an earlier start of the same run left, or create one.

    Args:
        folder: where its files are, or will be.
        job: the run.
        overwrite: create it even if the target holds files.

    Raises:
        UsageError: if it belongs to another run, or it is new and the target is not empty.
        FileFormatError: if a file in the folder is not a manifest, or is damaged.
        ImageError: if folder or target cannot be reached.
    """
    target = Location(job.target)
    names = folder.files(".parquet")
    if job.published is not None:
        Location(job.published).make()
    if names:
        target.make()
        meta = _read_meta(folder, names, job)
        return Manifest(folder, meta["run"], True, meta)
    if not overwrite and not target.empty():
        raise UsageError(
            f"{target} is not empty, and there is no manifest of this run in {folder}",
            code="no-manifest",
        )
    target.make()
    folder.make()
    run = secrets.token_hex(8)
    meta = {"format": FORMAT, "run": run, "fingerprint": job.fingerprint(), "source": job.source, "target": job.target,
            "style": format_style(job.options.style)}  # fmt: skip
    folder.write(MAIN, encode(SCHEMA.empty_table(), meta), like=PRIVATE)
    return Manifest(folder, run, False, meta)


def read_rows(folder: Location, names: Iterable[str]) -> pa.Table:
    """Return the last row of every photo in some files, sorted by the photos' names.

    Raises:
        FileFormatError: if a file is not a manifest, or is damaged.
    """
    tables = [_read(folder, name) for name in names]
    table = pa.concat_tables(tables).sort_by([("source", "ascending"), ("finished", "ascending")])
    sources = table.column("source").combine_chunks()
    if len(sources) < 2:
        return table
    last = pa.compute.not_equal(sources[:-1], sources[1:])
    return table.filter(pa.chunked_array([last, pa.array([True])]).combine_chunks())


def encode(table: pa.Table, meta: dict[str, str]) -> bytes:
    """Return rows as a Parquet file; ``_read`` is the inverse."""
    marked = table.cast(SCHEMA).replace_schema_metadata({f"proface.{key}": value for key, value in meta.items()})
    buffer = io.BytesIO()
    pq.write_table(marked, buffer, compression="zstd")
    return buffer.getvalue()


def _read(folder: Location, name: str) -> pa.Table:
    try:
        table = pq.read_table(io.BytesIO(folder.read(name)))
        for column, value in LATER.items():
            if column not in table.column_names:
                empty = pa.array([value] * len(table), SCHEMA.field(column).type)
                table = table.append_column(column, empty)
        return table.cast(SCHEMA)
    except (pa.ArrowException, ValueError, KeyError) as error:
        raise _foreign(folder, name) from error


def _read_meta(folder: Location, names: Iterable[str], job: CollectionJob) -> dict[str, str]:
    """Return the metadata that all files share; check that they belong to this run."""
    found: dict[str, str] = {}
    for name in names:
        try:
            raw = pq.read_schema(io.BytesIO(folder.read(name))).metadata or {}
        except (pa.ArrowException, ValueError) as error:
            raise _foreign(folder, name) from error
        meta = {k.decode()[8:]: v.decode() for k, v in raw.items() if k.startswith(b"proface.")}
        if not meta.get("run") or meta.get("format") != FORMAT:
            raise _foreign(folder, name)
        if meta.get("fingerprint") != job.fingerprint() or meta["run"] != found.get("run", meta["run"]):
            raise UsageError(
                f"the manifest in {folder} belongs to another run: {meta.get('source')} -> {meta.get('target')}, "
                f"style {meta.get('style')}",
                code="other-manifest",
            )
        found = meta
    return found


def _foreign(folder: Location, name: str) -> ImageError | FileFormatError:
    return FileFormatError(
        f"{folder}/{name} is not a manifest of this program, or it is damaged",
        code="foreign-manifest",
    )
