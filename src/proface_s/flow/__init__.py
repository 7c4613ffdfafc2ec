"""The secure flow: an original face becomes digits, the key shifts them, and the cover takes them up.

::

    original ── codec (Haar bands, trained couplings, ANS) ──► words ── digits ──► mixing (key) ──► uniform digits
                                                                                                        │
    cover ──────────────────────────────── digits.write_residues (modular coupling) ◄───────────────────┘
                                                    └──► protected

Recovery runs every arrow backwards.  The modules here know neither passphrases nor files.
"""
