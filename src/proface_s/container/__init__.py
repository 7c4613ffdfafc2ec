"""Container: what a protected picture carries besides its pixels.  Knows no models.

* `proface_s.container.header.header` — `Header`, `FaceRecord`, `Group`, ... as plain data; `forget_face`.
* `proface_s.container.header.header_bytes` — `encode_header` / `decode_header`, byte by byte as in docs/format.md.
* `proface_s.container.header.validation` — what makes a header valid.
* `proface_s.container.header.lock` / `proface_s.container.header.unlock` — `lock_header` / `unlock_header`; `relock`.
* `proface_s.container.seal` — `seal_region` / `open_seal`, the exact copy of a face.
* `proface_s.container.carriers.png` — `attach_png` / `read_png_chunks`.
* `proface_s.container.carriers.carrier` — header and seals <-> chunks.

Import from the modules: this package itself loads nothing, so that ``--help`` stays fast.
"""
