"""Keys: passphrase rules, Argon2id, recipients, HKDF, wrapped keys and keystreams.  Knows neither pictures nor models.

* `proface_s.keys.passphrase` — what is refused, what is warned about, `generate_passphrase`.
* `proface_s.keys.passphrase_sources` — a passphrase from a file, a descriptor or the environment.
* `proface_s.keys.derive` — `KdfParams`, `derive_kek`, `subkey`.
* `proface_s.keys.wrap` — `wrap_key` / `unwrap_key`.
* `proface_s.keys.secrets` — `FileKey`, `FaceSecret`, `FaceKey`, `FaceContext`.
* `proface_s.keys.recipients` — X25519 key pairs as age writes them: `Recipient`, `Identity`.
* `proface_s.keys.face_key_text` — one face's key as text, ``pfk1...``; `proface_s.keys.bech32` — the text form.
* `proface_s.keys.keyfiles` — files of identities, recipients and face keys.
* `proface_s.keys.access` — `Lock`, who may open something; `Credentials`, what somebody has to open it with.

Import from the modules: this package itself loads nothing, so that ``--help`` stays fast.
"""
