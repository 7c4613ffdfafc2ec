"""Keys: passphrases, Argon2id, recipients, HKDF, wrapped keys and keystreams.  Independent of pictures and models.

* `proface_s.keys.passphrase` — rules and warnings for passphrases, `generate_passphrase`.
* `proface_s.keys.passphrase_sources` — passphrases from a file, a descriptor or the environment.
* `proface_s.keys.derive` — `KdfParams`, `derive_kek`, `KdfLimits`, `KekDeriver`, `subkey`.
* `proface_s.keys.wrap` — `wrap_key` / `unwrap_key`.
* `proface_s.keys.secrets` — `FileKey`, `FaceSecret`, `FaceKey`, `FaceContext`.
* `proface_s.keys.recipients` — X25519 key pairs in age's text form: `Recipient`, `Identity`.
* `proface_s.keys.face_key_text` — the key of one face as text, ``pfk1...``.
* `proface_s.keys.bech32` — the text form of all keys.
* `proface_s.keys.keyfiles` — files of identities, recipients and face keys.
* `proface_s.keys.access` — `Lock`, the passphrases and recipients that will open a face; `Credentials`, those to open
  a file with.

Import from the modules: this package itself loads nothing, so that ``--help`` stays fast.
"""
