"""Keys: passphrase rules, Argon2id, HKDF, wrapped keys and keystreams.  Knows neither pictures nor models.

* `proface_s.keys.passphrase` — what is refused, what is warned about, `generate_passphrase`.
* `proface_s.keys.sources` — a passphrase from a file, a descriptor or the environment.
* `proface_s.keys.derive` — `KdfParams`, `derive_kek`, `subkey`.
* `proface_s.keys.wrap` — `wrap_key` / `unwrap_key`.
* `proface_s.keys.secret` — `FileKey`, `FaceSecret`, `FaceKey`, `FaceContext`.

Import from the modules: this package itself loads nothing, so that ``--help`` stays fast.
"""
