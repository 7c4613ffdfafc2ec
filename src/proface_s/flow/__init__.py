"""The secure flow: from an original face to the key-mixed message, and through the network into the cover.

::

    original ── spectrum.analyse ──► coefficients ── code.encode ──► values ── mixing.mix(key) ──► message
                                                                                                     │
    cover ──────────────────────────────────────────────── session.protect(message, cover, key_map) ─┴─► protected

Recovery runs every arrow backwards.  The modules here know neither passphrases nor files.
"""
