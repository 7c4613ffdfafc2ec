"""How quality and privacy are measured: any `Method`, on any folder of faces, with the same figures for all.

Needs the ``eval`` extra (and ``train`` for the published system); nothing below this package imports it.  What the
measures are and why: docs/evaluation.md.
"""
