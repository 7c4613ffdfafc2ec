"""Container: what a protected picture carries besides its pixels.  Knows no models.

* `proface_s.container.header` — `Header`, `FaceRecord`, `Group`, ... as plain data; `forget_face`.
* `proface_s.container.codec` — `encode_header` / `decode_header`, byte by byte as in docs/format.md.
* `proface_s.container.rules` — what makes a header valid.
* `proface_s.container.lock` / `proface_s.container.unlock` — `lock_header` / `unlock_header`; `relock`.
* `proface_s.container.seal` — `seal_region` / `open_seal`, the exact copy of a face.
* `proface_s.container.png` — `attach_png` / `read_png_chunks`.
* `proface_s.container.carrier` — header and seals <-> chunks.

Import from the modules: this package itself loads nothing, so that ``--help`` stays fast.
"""
