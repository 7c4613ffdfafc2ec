"""Container: everything that a protected picture carries besides its pixels.  Independent of the model.

* `header/` — the header: `header` (`Header`, `FaceEntry`, `Group`, `forget_face`), `stanzas`, `footprint`,
  `header_bytes` (`encode_header` / `decode_header`, byte by byte as in docs/format.md), `validation`, `key_ring` (fresh
  secrets), `lock_plan` and `lock` (`plan_header`, `lock_header`, `relock_header`), `unlock` (`unlock_header`).
* `carriers/` — where header and seals travel: `carrier` (`to_chunks` / `from_chunks`, `write_chunks` / `read_chunks`
  for any format), `png`, `webp`, `tiff`, and `sidecar` (`encode_sidecar` / `decode_sidecar`).
* `records/` — the part of the header that is repeated in the pixels: `record_message` (its content), `pixel_records`
  (`write_record` / `read_record` / `find_records`), `partial_headers` (headers put together from records).
* `seal` — `seal_region` / `open_seal`, the exact copy of a face.
* `byte_reader` — `ByteReader`, a cursor for parsing untrusted bytes.

Import from the modules: this package itself loads nothing, so that ``--help`` stays fast.
"""
