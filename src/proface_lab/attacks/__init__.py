"""Adversaries that have the code, the weights and the file, but no key.

One file per adversary, each an `Attack` (see `base`), found by name through `registry`.  Every result states what the
attack gets from protected pictures *minus* what it gets without them (the control): the difference is the leak of the
scheme.  docs/evidence/attacks.md describes each adversary and how to add one.
"""
