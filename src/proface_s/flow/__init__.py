"""The flow: models that hide originals in covers under a key, and read them back.

`model.Model` is what the product needs of one, `registry.open_model` opens one by name.  In the secure flow::

    original ── face_code (Haar bands, trained couplings, entropy coder) ──► words ── lattice ──► digits
                                                                                                     │
                                                                          pad (face key): mix        ▼
    cover ──────────────── lattice.write_residues (modular coupling) ◄────────────────────── uniform digits
                                └──► protected

Recovery runs every arrow backwards.  The modules here know neither passphrases nor files.
"""
