"""Adversaries: what somebody gets who has the code, the weights and the file, but no key.

One file per adversary, each an `Attack` (see `base`), found by name through `registry`.  Every result states what the
attack gets from protected pictures *minus* what the same attack gets without them (the control): the difference is the
leak of the scheme.  What each does, and how to add one: docs/attacks.md.
"""
